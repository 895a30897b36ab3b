/**
 * A confidence interval, in the unit of the value. An end that the data do not bound is ±Infinity (`null` in JSON). An
 * interval without data is [−Infinity, Infinity]: every finite value is inside it.
 */
export type Interval = readonly [lo: number, hi: number];

export const UNBOUNDED: Interval = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

/** The default confidence of an interval. */
export const CONFIDENCE = 0.95;

/** The position of an interval relative to a value. `straddles`: the value is inside or at an end. */
export function position(interval: Interval, value: number): "below" | "above" | "straddles" {
  if (interval[1] < value) return "below";
  if (interval[0] > value) return "above";
  return "straddles";
}

/** True if the two intervals have a value in common. */
export function overlaps(a: Interval, b: Interval): boolean {
  return a[0] <= b[1] && b[0] <= a[1];
}

/** The interval in another unit: both ends times `factor`, which may be negative. */
export function scale(interval: Interval, factor: number): Interval {
  const a = interval[0] * factor;
  const b = interval[1] * factor;
  return a <= b ? [a, b] : [b, a];
}
