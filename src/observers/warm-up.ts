/** Long enough for the compiler to find the code that runs all the time, ms. */
const WARM_UP_MS = 500;

/**
 * Repeats an action for a moment. A program that polls for hours runs compiled code; without this, a measurement of a
 * few looks would measure the interpreter.
 */
export function warmUp(once: () => void): void {
  const until = performance.now() + WARM_UP_MS;
  while (performance.now() < until) once();
}
