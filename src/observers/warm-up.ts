/** Long enough for the runtime to compile the code that runs often, ms. */
const WARM_UP_MS = 500;

/**
 * Repeats an action for {@link WARM_UP_MS}. A program that polls for hours runs compiled code. Without the warm-up, a
 * measurement of a few scans would measure the interpreter.
 */
export function warmUp(once: () => void): void {
  const until = performance.now() + WARM_UP_MS;
  while (performance.now() < until) once();
}
