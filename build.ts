/**
 * bun build.ts                 everything: objects, layout, libraries, dist/linnix
 * bun build.ts --objects-only  all but dist/linnix, for `bun run src/main.ts` and `bun test`
 * bun build.ts --check-layout  writes nothing; fails where src/wire/layout.gen.ts is not what the sources say
 */
import { join } from "node:path";
import { readIfThere } from "./scripts/files.ts";
import { copyLibraries } from "./scripts/libraries.ts";
import { buildObjects, compileObjects, LAYOUT_FILE } from "./scripts/objects.ts";

const ROOT = import.meta.dir;

function checkLayout(): void {
  const { layout } = compileObjects(ROOT);
  if (readIfThere(join(ROOT, LAYOUT_FILE))?.toString() === layout) return;
  throw new Error(`${LAYOUT_FILE} is not what bpf/ compiles to; \`npm run build\` writes it anew, then commit it`);
}

function main(args: readonly string[]): void {
  const [mode, ...rest] = args;
  if (rest.length > 0 || (mode && !["--objects-only", "--check-layout"].includes(mode))) {
    throw new Error(`unknown arguments: ${args.join(" ")}; there are --objects-only and --check-layout`);
  }
  if (mode === "--check-layout") return checkLayout();
  buildObjects(ROOT);
  copyLibraries(ROOT);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(`build: ${(error as Error).message}`);
  process.exitCode = 1;
}
