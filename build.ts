/**
 * bun build.ts                       builds everything, unless dist/linnix is up to date
 * bun build.ts --force               builds everything
 * bun build.ts --target linux-arm64  builds dist/linux-arm64/linnix, on any machine (linux-x64 likewise)
 * bun build.ts --objects-only        builds all but dist/linnix, for `bun run src/main.ts` and `bun test`
 * bun build.ts --check-layout        writes nothing; fails if a generated file differs from its sources
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ARCHES, type Arch, hostArch } from "./scripts/arch.ts";
import { type SourceState, sourceState, writeBuildInfo, writeLicences } from "./scripts/build-info.ts";
import { programPath } from "./scripts/command.ts";
import { compileBinary } from "./scripts/compile.ts";
import { staleEventFiles, writeEventFiles } from "./scripts/events.ts";
import { readIfThere, writeFileAtomically } from "./scripts/files.ts";
import { getLibraries, type Libraries, librariesDigest, writeLibraries } from "./scripts/libraries.ts";
import { buildObjects, compileObjects, LAYOUT_FILE } from "./scripts/objects.ts";
import { writePage } from "./scripts/page.ts";
import { bunExecutable } from "./scripts/runtime.ts";
import { INPUTS, inputsDigest } from "./scripts/stale.ts";

const ROOT = import.meta.dir;
const TARGETS: Record<string, Arch> = Object.fromEntries(
  (Object.keys(ARCHES) as Arch[]).map((arch) => [`linux-${arch}`, arch]),
);

function checkLayout(): void {
  const { layout } = compileObjects(ROOT);
  if (readIfThere(join(ROOT, LAYOUT_FILE))?.toString() !== layout) {
    throw new Error(`${LAYOUT_FILE} is not what bpf/ compiles to; \`npm run build -- --force\` writes it`);
  }
  const stale = staleEventFiles(ROOT).map(({ path }) => path);
  if (stale.length === 0) return;
  throw new Error(`${stale.join(", ")}: not what src/wire/fields.ts says; \`npm run build\` writes them`);
}

/** The target of a build, and its paths. */
interface Plan {
  arch: Arch;
  isCross: boolean;
  binary: string;
  /** Folder of the files that the binary embeds. */
  parts: string;
  /** File with a digest of the inputs. It is written last, so that an interrupted build does not count. */
  stamp: string;
}

function planFor(arch: Arch): Plan {
  const isCross = arch !== hostArch();
  const parts = join(ROOT, ".build", isCross ? `linux-${arch}` : "");
  const binary = join(ROOT, "dist", isCross ? `linux-${arch}` : "", "linnix");
  return { arch, isCross, binary, parts, stamp: join(parts, "linnix.stamp") };
}

/** Digest of all inputs of the binary except the layout, which the build writes. */
function digest(state: SourceState, libraries: Libraries): string {
  const tools = ["clang", "llvm-strip", "bpftool"].map(programPath);
  return inputsDigest(ROOT, state, tools, librariesDigest(libraries.all));
}

/** The stamp of a binary that was made from inputs with this digest and the current layout. */
function stamp(inputs: string): string {
  const layout = readIfThere(join(ROOT, LAYOUT_FILE)) ?? "";
  return `${inputs} ${createHash("sha256").update(layout).digest("hex")}\n`;
}

async function buildParts({ arch, parts }: Plan, state: SourceState, libraries: Libraries): Promise<void> {
  buildObjects(ROOT, arch, parts);
  writeLibraries(join(parts, "lib"), libraries.all);
  writeBuildInfo(ROOT, parts, state, libraries.all);
  writeLicences(ROOT, parts);
  await writePage(ROOT, parts);
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      force: { type: "boolean" },
      target: { type: "string" },
      "objects-only": { type: "boolean" },
      "check-layout": { type: "boolean" },
    },
  });
  if (values["check-layout"]) return checkLayout();
  writeEventFiles(ROOT);
  const arch = values.target === undefined ? hostArch() : TARGETS[values.target];
  if (arch === undefined) throw new Error(`--target ${values.target}: expected ${Object.keys(TARGETS).join(" or ")}`);

  const plan = planFor(arch);
  const state = sourceState(ROOT, INPUTS);
  const libraries = await getLibraries(ROOT, arch);
  if (libraries.whyOfSystem !== null) {
    console.error(`build: embeds the libraries of this system, which may need a newer glibc: ${libraries.whyOfSystem}`);
  }
  if (values["objects-only"]) return buildParts(plan, state, libraries);

  // The digest is computed before the build reads any input. So an input that changes during the build makes the binary
  // stale for the next build.
  const inputs = digest(state, libraries);
  if (!values.force && existsSync(plan.binary) && readIfThere(plan.stamp)?.toString() === stamp(inputs)) return;
  console.error(`building ${plan.binary.slice(ROOT.length + 1)}`);
  await buildParts(plan, state, libraries);
  const made = stamp(inputs);
  const cross = plan.isCross ? { arch, runtime: bunExecutable(ROOT, arch), parts: plan.parts } : undefined;
  await compileBinary(join(ROOT, "src/main.ts"), plan.binary, cross);
  writeFileAtomically(plan.stamp, made);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`build: ${(error as Error).message}`);
  process.exitCode = 1;
}
