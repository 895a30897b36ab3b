/**
 * Quantile of values that are already in ascending order: type 7 of Hyndman and Fan ("Sample quantiles in statistical
 * packages", 1996), linear between the order statistics at (n − 1) p, as R and NumPy do by default.
 *
 * @param p 0 … 1
 * @returns NaN if there are no values
 */
export function quantileOfSorted(sorted: ArrayLike<number>, p: number): number {
  const count = sorted.length;
  if (count === 0) return Number.NaN;
  const position = (count - 1) * p;
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, count - 1)] as number;
  // Without this, two equal infinities would give NaN.
  return low === high ? low : low + (position - below) * (high - low);
}

/** {@link quantileOfSorted} of values in any order. Does not change `values`. */
export function quantile(values: ArrayLike<number>, p: number): number {
  return quantileOfSorted(Float64Array.from(values).sort(), p);
}

/** The middle value, or the mean of the two middle ones. NaN if there are no values. */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}
