import { join } from "node:path";

/** Where the bundler puts the entry point of a compiled binary. */
const BUNDLE_ROOT = "/$bunfs/";

/** Whether this is the compiled binary. */
export function isCompiled(): boolean {
  return Bun.main.startsWith(BUNDLE_ROOT);
}

/** The command line that runs this very program again: the compiled binary itself, or Bun with `src/main.ts`. */
export function selfCommand(...args: string[]): string[] {
  if (isCompiled()) return [process.execPath, ...args];
  return [process.execPath, join(import.meta.dir, "..", "main.ts"), ...args];
}
