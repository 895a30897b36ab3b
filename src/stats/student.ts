import { normalQuantile } from "./normal.ts";

/**
 * Probability that |T| ≤ t for Student's T with a whole number of degrees of freedom: the finite sums of Abramowitz
 * and Stegun 26.7.3 and 26.7.4.
 */
function centralProbability(t: number, degreesOfFreedom: number): number {
  const theta = Math.atan(t / Math.sqrt(degreesOfFreedom));
  const cos = Math.cos(theta);
  const odd = degreesOfFreedom % 2 === 1;
  let term = odd ? cos : 1;
  let total = degreesOfFreedom === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= degreesOfFreedom - 2; k += 2) {
    term *= ((k - 1) / k) * cos * cos;
    total += term;
  }
  return odd ? (2 / Math.PI) * (theta + Math.sin(theta) * total) : Math.sin(theta) * total;
}

/**
 * Quantile of Student's t distribution.
 *
 * @param p 0 … 1
 * @param degreesOfFreedom rounded down; above 1,000 the normal distribution is used (error below 0.002)
 * @returns ±Infinity with less than one degree of freedom, and for p of 0 or 1
 */
export function studentQuantile(p: number, degreesOfFreedom: number): number {
  if (p < 0.5) return -studentQuantile(1 - p, degreesOfFreedom);
  const whole = Math.floor(degreesOfFreedom);
  if (whole < 1 || p >= 1) return Number.POSITIVE_INFINITY;
  if (whole > 1000) return normalQuantile(p);
  const central = 2 * p - 1;
  let low = 0;
  let high = 1;
  while (centralProbability(high, whole) < central) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (centralProbability(middle, whole) < central) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
