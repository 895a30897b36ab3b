/**
 * npm run release [-- --draft]   the files of a release, in dist/release/
 *
 * `--draft` also accepts sources with uncommitted changes. LINNIX_SIGNING_KEY names the maintainer's SSH key; with it,
 * SHA256SUMS gets a detached signature.
 */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { version as VERSION } from "../package.json";
import { ARCHES, type Arch, hostArch } from "./arch.ts";
import { sourceState } from "./build-info.ts";
import { output } from "./command.ts";
import { elfMachine } from "./elf.ts";
import { getLibraries } from "./libraries.ts";
import { gzip, pack } from "./release/archive.ts";

const ROOT = join(import.meta.dir, "..");
const RELEASE = join(ROOT, "dist/release");

/** The argument of `ssh-keygen -Y verify -n`. A signature for another purpose does not verify. */
const SIGNATURE_NAMESPACE = "linnix-release";

/** Time of the commit, or SOURCE_DATE_EPOCH: no file of a release depends on the time of the build. */
function sourceTime(): Date {
  const epoch = process.env.SOURCE_DATE_EPOCH;
  const seconds = epoch ?? output("git", ["-c", `safe.directory=${ROOT}`, "-C", ROOT, "log", "-1", "--format=%ct"]);
  if (!/^\d+$/.test(seconds.trim())) throw new Error(`SOURCE_DATE_EPOCH=${seconds}: expected seconds since 1970`);
  return new Date(Number(seconds) * 1000);
}

/** Builds for one architecture and writes its release files to `directory`. */
async function releaseOf(arch: Arch, directory: string, time: Date, commit: string | null): Promise<void> {
  const libraries = await getLibraries(ROOT, arch);
  if (libraries.whyOfSystem !== null) throw new Error(`the pinned libraries are missing: ${libraries.whyOfSystem}`);
  output(process.execPath, ["build.ts", "--force", "--target", `linux-${arch}`], { cwd: ROOT });
  const built = join(ROOT, "dist", arch === hostArch() ? "" : `linux-${arch}`, "linnix");
  const bytes = readFileSync(built);
  if (elfMachine(bytes) !== ARCHES[arch].elfMachine) throw new Error(`${built} is not for ${arch}`);

  const binary = join(directory, `linnix-linux-${arch}`);
  copyFileSync(built, binary);
  // The module reads files that the build has written.
  const { sbom } = await import("./release/sbom.ts");
  writeFileSync(`${binary}.cdx.json`, sbom({ arch, binary: bytes, libraries: libraries.all, time, commit }));
  console.error(`compressing linnix-linux-${arch}`);
  const archive = join(directory, `linnix-${VERSION}-linux-${arch}.tar.xz`);
  await Promise.all([gzip(binary), pack(ROOT, binary, archive, time)]);
}

function writeSums(directory: string): void {
  const lines = readdirSync(directory)
    .sort()
    .map(
      (name) =>
        `${createHash("sha256")
          .update(readFileSync(join(directory, name)))
          .digest("hex")}  ${name}\n`,
    );
  writeFileSync(join(directory, "SHA256SUMS"), lines.join(""));
}

/** Writes `SHA256SUMS.sig`, which ssh-keygen of OpenSSH 8.1 or later verifies. */
function sign(directory: string, key: string): void {
  output("ssh-keygen", ["-Y", "sign", "-q", "-f", key, "-n", SIGNATURE_NAMESPACE, join(directory, "SHA256SUMS")]);
}

function printSizes(directory: string): void {
  for (const name of readdirSync(directory).sort()) {
    console.log(`${(statSync(join(directory, name)).size / 1e6).toFixed(1).padStart(7)} MB  ${name}`);
  }
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { draft: { type: "boolean" } } });
  const { commit, modified } = sourceState(ROOT, ["."]);
  if (!values.draft && (commit === null || modified)) {
    throw new Error("a release needs a commit without changes; `npm run release -- --draft` builds these sources");
  }
  const time = sourceTime();
  const draft = join(ROOT, "dist/.release");
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  try {
    // The architecture of this machine comes first, because the bill of materials of the other one uses versions from
    // that build.
    const arches = (Object.keys(ARCHES) as Arch[]).toSorted((a) => (a === hostArch() ? -1 : 1));
    for (const arch of arches) await releaseOf(arch, draft, time, commit);
    writeSums(draft);
    const key = process.env.LINNIX_SIGNING_KEY;
    if (key) sign(draft, key);
    rmSync(RELEASE, { recursive: true, force: true });
    renameSync(draft, RELEASE);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  console.log(`linnix ${VERSION}, ${commit ?? "no commit"}${modified ? " with changes" : ""}: dist/release/`);
  printSizes(RELEASE);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`release: ${(error as Error).message}`);
  process.exitCode = 1;
}
