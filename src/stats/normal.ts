const DENSITY_AT_0 = 1 / Math.sqrt(2 * Math.PI);

/** Probability that a standard normal variable is at most `x`; relative error below 1e-12 in the tails as well. */
export function normalCdf(x: number): number {
  if (x > 0) return 1 - normalCdf(-x);
  if (x < -38) return 0;
  const density = DENSITY_AT_0 * Math.exp((-x * x) / 2);
  if (x > -3) {
    // Φ(x) = ½ + φ(x) (x + x³/3 + x⁵/(3·5) + …), Abramowitz and Stegun 26.2.11.
    let term = x;
    let total = x;
    for (let odd = 3; Math.abs(term) > 1e-17; odd += 2) {
      term *= (x * x) / odd;
      total += term;
    }
    return 0.5 + density * total;
  }
  // Q(y) = φ(y) / (y + 1/(y + 2/(y + 3/(y + …)))), Abramowitz and Stegun 26.2.14.
  const y = -x;
  let fraction = y;
  for (let k = 80; k >= 1; k--) fraction = y + k / fraction;
  return density / fraction;
}

/** Inverse of {@link normalCdf}; ±Infinity at 0 and 1. */
export function normalQuantile(p: number): number {
  if (p <= 0) return Number.NEGATIVE_INFINITY;
  if (p >= 1) return Number.POSITIVE_INFINITY;
  let low = -38;
  let high = 38;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
