/** The two ways to collect the runtime's garbage. */
import { edenGC } from "bun:jsc";

/**
 * Collects the garbage that was made since the last collection. It takes less than a millisecond, and compiled code
 * stays.
 */
export function collectYoungGarbage(): void {
  edenGC();
}

/**
 * Collects all garbage. It takes milliseconds and drops all compiled code. Code that is in use is compiled again in the
 * next seconds, which takes a tenth of a second of CPU time.
 */
export function collectAllGarbage(): void {
  Bun.gc(true);
}
