import { join } from "node:path";

/** Where the bundler puts the entry point of a compiled binary. */
const BUNDLE_ROOT = "/$bunfs/";

/** The command line that runs this very program again: the compiled binary itself, or Bun with `src/main.ts`. */
export function selfCommand(...args: string[]): string[] {
  if (Bun.main.startsWith(BUNDLE_ROOT)) return [process.execPath, ...args];
  return [process.execPath, join(import.meta.dir, "..", "main.ts"), ...args];
}
