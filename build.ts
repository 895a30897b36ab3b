/**
 * bun build.ts                 everything, unless dist/linnix is up to date
 * bun build.ts --force         everything
 * bun build.ts --objects-only  all but dist/linnix, for `bun run src/main.ts` and `bun test`
 * bun build.ts --check-layout  writes nothing; fails where src/wire/layout.gen.ts is not what the sources say
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type SourceState, sourceState, writeBuildInfo, writeLicences } from "./scripts/build-info.ts";
import { programPath } from "./scripts/command.ts";
import { compileBinary } from "./scripts/compile.ts";
import { readIfThere, writeFileAtomically } from "./scripts/files.ts";
import { copyLibraries, libraryPaths } from "./scripts/libraries.ts";
import { buildObjects, compileObjects, LAYOUT_FILE } from "./scripts/objects.ts";
import { INPUTS, inputsDigest } from "./scripts/stale.ts";

const ROOT = import.meta.dir;
const BINARY = "dist/linnix";
/** Says from what the binary was made; written last, so that a build that was cut short is no build. */
const STAMP = join(ROOT, ".build/linnix.stamp");
const MODES = ["--force", "--objects-only", "--check-layout"];

function checkLayout(): void {
  const { layout } = compileObjects(ROOT);
  if (readIfThere(join(ROOT, LAYOUT_FILE))?.toString() === layout) return;
  throw new Error(`${LAYOUT_FILE} is not what bpf/ compiles to; \`npm run build -- --force\` writes it anew`);
}

/** Digest of everything the binary depends on but the layout, which the build writes. */
function digest(state: SourceState): string {
  return inputsDigest(ROOT, state, [...["clang", "llvm-strip", "bpftool"].map(programPath), ...libraryPaths()]);
}

/** The stamp of a binary that was made from inputs of this digest and from the layout as it is now. */
function stamp(inputs: string): string {
  const layout = readIfThere(join(ROOT, LAYOUT_FILE)) ?? "";
  return `${inputs} ${createHash("sha256").update(layout).digest("hex")}\n`;
}

function buildParts(state: SourceState): void {
  buildObjects(ROOT);
  writeBuildInfo(ROOT, state, copyLibraries(ROOT));
  writeLicences(ROOT);
}

async function main(args: readonly string[]): Promise<void> {
  const [mode, ...rest] = args;
  if (rest.length > 0 || (mode && !MODES.includes(mode))) {
    throw new Error(`unknown arguments ${args.join(" ")}: one of ${MODES.join(", ")}, or nothing`);
  }
  if (mode === "--check-layout") return checkLayout();
  const state = sourceState(ROOT, INPUTS);
  if (mode === "--objects-only") return buildParts(state);

  // Taken before the build reads anything: what changes meanwhile makes the next build find it stale.
  const inputs = digest(state);
  if (mode !== "--force" && existsSync(join(ROOT, BINARY)) && readIfThere(STAMP)?.toString() === stamp(inputs)) {
    return;
  }
  console.error(`building ${BINARY}`);
  buildParts(state);
  const made = stamp(inputs);
  await compileBinary(join(ROOT, "src/main.ts"), join(ROOT, BINARY));
  writeFileAtomically(STAMP, made);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`build: ${(error as Error).message}`);
  process.exitCode = 1;
}
