/** The result of `npm run release` in a clean checkout. Run by `npm run test:release`. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ARCHES, type Arch } from "../../scripts/arch.ts";
import { elfMachine } from "../../scripts/elf.ts";
import { COMPONENTS } from "../../src/licences.ts";
import { VERSION } from "../../src/version.ts";
import { programPath, reasonOf, titled } from "../kernel/support/needs.ts";

setDefaultTimeout(1_800_000);

const ROOT = join(import.meta.dir, "../..");
const arches = Object.keys(ARCHES) as Arch[];

const reason = reasonOf(
  !existsSync(join(ROOT, ".git")) && "needs a git checkout",
  programPath("ssh-keygen") === null && "needs ssh-keygen",
);

describe.skipIf(reason !== null)(titled("npm run release", reason), () => {
  const scratch = mkdtempSync(join(tmpdir(), "linnix-release-"));
  const [first, second] = [join(scratch, "first"), join(scratch, "a/second")];
  const release = join(first, "dist/release");
  const key = join(scratch, "key");
  let printed = "";

  beforeAll(() => {
    clone(first);
    clone(second);
    run(scratch, {}, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a maintainer", "-f", key);
    printed = run(first, { LINNIX_SIGNING_KEY: key }, process.execPath, "scripts/release.ts");
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test("makes these files, and prints their sizes", () => {
    const files = arches.flatMap((arch) => [
      `linnix-${VERSION}-linux-${arch}.tar.xz`,
      ...["", ".cdx.json", ".gz"].map((end) => `linnix-linux-${arch}${end}`),
    ]);
    expect(readdirSync(release).toSorted()).toEqual([...files, "SHA256SUMS", "SHA256SUMS.sig"].toSorted());
    for (const file of files) expect(printed).toMatch(new RegExp(`\\d\\.\\d MB {2}${RegExp.escape(file)}$`, "m"));
  });

  test.each(arches)("%s: two builds of one commit, at the same path, give the same bytes", (arch) => {
    const target = ["build.ts", "--force", "--target", `linux-${arch}`];
    run(first, {}, process.execPath, ...target);
    const built = join(first, "dist", arch === process.arch ? "" : `linux-${arch}`, "linnix");
    const [one, other] = [join(release, `linnix-linux-${arch}`), built].map((path) => readFileSync(path));
    expect(one?.length).toBe(other?.length ?? -1);
    expect(one?.equals(other ?? Buffer.alloc(0))).toBe(true);
    expect(elfMachine(one ?? new Uint8Array())).toBe(ARCHES[arch].elfMachine);
  });

  test("the sums match the files", () => {
    expect(run(release, {}, "sha256sum", "--check", "--strict", "SHA256SUMS")).not.toContain("FAILED");
    expect(readFileSync(join(release, "SHA256SUMS"), "utf8").trim().split("\n")).toHaveLength(8);
  });

  test("the signature verifies with the command of docs/install.md, and fails for other sums", () => {
    const [type, text] = readFileSync(`${key}.pub`, "utf8").split(" ");
    writeFileSync(join(release, "signers"), `linnix ${type} ${text}\n`);
    const verify = "ssh-keygen -Y verify -f signers -I linnix -n linnix-release -s SHA256SUMS.sig";
    expect(readFileSync(join(ROOT, "docs/install.md"), "utf8")).toContain(`${verify} < SHA256SUMS`);
    expect(run(release, {}, "sh", "-c", `${verify} < SHA256SUMS`)).toContain("Good");
    expect(() => run(release, {}, "sh", "-c", `(cat SHA256SUMS; echo) | ${verify}`)).toThrow();
    rmSync(join(release, "signers"));
  });

  test.each(arches)(
    "%s: the compressed files contain the binary, licences, documents, unit and configuration",
    (arch) => {
      const binary = join(release, `linnix-linux-${arch}`);
      run(release, {}, "sh", "-c", `gzip -dc ${binary}.gz | cmp - ${binary}`);
      const archive = join(release, `linnix-${VERSION}-linux-${arch}.tar.xz`);
      const listed = run(release, { TZ: "UTC" }, "tar", "-tvf", archive).trim().split("\n");
      const names = listed.map((line) => line.split(/\s+/)[5]?.replace(`linnix-${VERSION}-linux-${arch}/`, ""));
      const docs = ["docs/linnix.service", "docs/linnix.toml", "docs/kernels.md", "README.md", "CHANGELOG.md"];
      for (const name of ["linnix", "LICENSE", "THIRD-PARTY-NOTICES", "licenses/bun.txt", ...docs]) {
        expect(names).toContain(name);
      }
      // Each folder is sorted by name: `docs/prometheus/` comes before `docs/prometheus.md`.
      const place = (name = "") => name.replaceAll("/", "\0");
      expect(names).toEqual(names.toSorted((a, b) => (place(a) < place(b) ? -1 : 1)));
      // Owner and times are fixed.
      expect(new Set(listed.map((line) => line.split(/\s+/).slice(1, 2)[0]))).toEqual(new Set(["0/0"]));
      expect(new Set(listed.map((line) => line.split(/\s+/).slice(3, 5).join(" "))).size).toBe(1);
      run(release, {}, "sh", "-c", `tar -xOf ${archive} --wildcards '*/linnix' | cmp - ${binary}`);
    },
  );

  test.each(arches)("%s: the bill of materials lists every embedded component, with version and licence", (arch) => {
    const bom = JSON.parse(readFileSync(join(release, `linnix-linux-${arch}.cdx.json`), "utf8"));
    expect(bom).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.6" });
    expect(bom.metadata.component).toMatchObject({ name: "linnix", version: VERSION, type: "application" });
    expect(readFileSync(join(release, "SHA256SUMS"), "utf8")).toContain(bom.metadata.component.hashes[0].content);
    for (const { name, version, licence } of COMPONENTS) {
      const component = bom.components.find((each: { name: string }) => each.name === name);
      expect(component).toMatchObject({ name, version });
      const [{ license, expression }] = component.licenses;
      expect(expression ?? license.id ?? license.name).toBe(licence);
      if (name !== "JavaScriptCore") expect(component.purl).toMatch(/^pkg:(npm|deb)\//);
    }
    expect(bom.dependencies.find(({ ref }: { ref: string }) => ref === "linnix").dependsOn).toHaveLength(
      COMPONENTS.length,
    );
  });

  test("a checkout with uncommitted changes is refused", () => {
    writeFileSync(join(second, "README.md"), "changed\n");
    expect(() => run(second, {}, process.execPath, "scripts/release.ts")).toThrow("a release needs a commit");
    expect(existsSync(join(second, "dist/release"))).toBe(false);
  });
});

/** Clones the last commit, with the packages and downloads of this checkout. */
function clone(directory: string): void {
  run(ROOT, {}, "git", "-c", `safe.directory=${ROOT}`, "clone", "--quiet", "--no-hardlinks", ROOT, directory);
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
  // .gitignore excludes node_modules only as a folder, not as a link.
  writeFileSync(join(directory, ".git/info/exclude"), "node_modules\n");
  mkdirSync(join(directory, ".build"));
  for (const cache of ["packages", "bun"]) {
    const from = join(ROOT, ".build", cache);
    if (existsSync(from)) cpSync(from, join(directory, ".build", cache), { recursive: true });
  }
}

/** @throws Error with the output of the command, if it fails */
function run(cwd: string, env: Record<string, string>, ...command: string[]): string {
  const done = Bun.spawnSync(command, { cwd, env: { ...process.env, ...env }, stdin: null });
  const said = done.stdout.toString() + done.stderr.toString();
  if (done.exitCode !== 0) throw new Error(`${command.join(" ")}: ${said.slice(-4000)}`);
  return said;
}
