/** Long enough for the compiler to have taken note of what runs all the time, ms. */
const WARM_UP_MS = 500;

/**
 * Does a thing again and again for a moment. What polls for hours runs compiled code; what is watched for a few looks
 * only would be measured in the interpreter.
 */
export function warmUp(once: () => void): void {
  const until = performance.now() + WARM_UP_MS;
  while (performance.now() < until) once();
}
