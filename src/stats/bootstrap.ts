import { CONFIDENCE, type Interval, UNBOUNDED } from "./interval.ts";
import { mean, standardDeviation, sum } from "./moments.ts";
import { normalCdf } from "./normal.ts";
import { Prng } from "./prng.ts";
import { median, quantileOfSorted } from "./quantile.ts";
import { studentQuantile } from "./student.ts";

export interface BootstrapOptions {
  /** Seed of the resampling; the same values and seed give the same interval. Default 1. */
  seed?: number;
  /** Number of resamples; default 2,000, which leaves an end uncertain by about 3 % of the half width. */
  resamples?: number;
  /** Share of runs whose interval holds the truth; default 0.95. */
  confidence?: number;
}

/** A statistic of some values and its uncertainty, in the unit of the values. */
export interface Estimate {
  value: number;
  /** Confidence interval (95 % by default); unbounded if there are too few values. */
  interval: Interval;
  /** Standard deviation of the statistic from run to run; Infinity if there are too few values. */
  standardError: number;
  /** Number of values that it rests on. */
  n: number;
}

/**
 * Fewest values for which an interval of the median is given: with five, even the whole range holds the true median
 * in only 1 − 2 / 2^5 = 93.75 % of runs.
 */
const FEWEST_FOR_MEDIAN = 6;

/** Below this number of values the studentised bootstrap has too few distinct resamples; Student's t is taken. */
const FEWEST_FOR_STUDENTISED = 8;

/**
 * Median with a bootstrap interval: the expanded percentile interval (Hesterberg, "What teachers should know about
 * the bootstrap", 2015, section 5.3), that is the percentile interval at a level widened for the number of values.
 * The plain percentile interval of a median holds the truth in only 93 to 94.5 % of runs of 10 to 40 values. It needs
 * no symmetry and no variance: outliers and heavy tails do not spoil it.
 */
export function bootstrapMedian(values: ArrayLike<number>, options: BootstrapOptions = {}): Estimate {
  const n = values.length;
  const value = median(values);
  if (n < FEWEST_FOR_MEDIAN) return { value, interval: UNBOUNDED, standardError: Number.POSITIVE_INFINITY, n };
  const { seed = 1, resamples = 2000, confidence = CONFIDENCE } = options;
  const random = new Prng(seed);
  const sorted = Float64Array.from(values).sort();
  const lowMiddle = (n - 1) >> 1;
  const highMiddle = n >> 1;
  const drawn = new Int32Array(n);
  const medians = new Float64Array(resamples);
  for (let b = 0; b < resamples; b++) {
    // The number of draws of each value gives the median, so a resample needs no sorting.
    drawn.fill(0);
    for (let i = 0; i < n; i++) {
      const chosen = random.index(n);
      drawn[chosen] = (drawn[chosen] as number) + 1;
    }
    let at = 0;
    let passed = drawn[0] as number;
    while (passed <= lowMiddle) passed += drawn[++at] as number;
    const low = sorted[at] as number;
    while (passed <= highMiddle) passed += drawn[++at] as number;
    medians[b] = (low + (sorted[at] as number)) / 2;
  }
  medians.sort();
  const tail = (1 - confidence) / 2;
  const level = normalCdf(Math.sqrt(n / (n - 1)) * studentQuantile(tail, n - 1));
  return {
    value,
    interval: [quantileOfSorted(medians, level), quantileOfSorted(medians, 1 - level)],
    standardError: standardDeviation(medians),
    n,
  };
}

/**
 * Ratio of two sums, such as CPU time over elapsed time in windows of unequal length, with a studentised
 * bootstrap interval over the pairs (Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 12; it
 * keeps its level for skewed values, where percentile and BCa intervals of a mean are too narrow). Too few pairs for
 * that: Student's t; fewer than two: unbounded. Values whose mean hangs on rare extremes defeat it, as they defeat any
 * interval of a mean: 40 log-normal ones with σ = 1 give 92 % instead of 95 %.
 *
 * @param numerators and denominators of the same length; denominators positive
 */
export function bootstrapRatio(
  numerators: ArrayLike<number>,
  denominators: ArrayLike<number>,
  options: BootstrapOptions = {},
): Estimate {
  const n = numerators.length;
  if (denominators.length !== n) throw new RangeError("numerators and denominators differ in number");
  const value = sum(numerators) / sum(denominators);
  if (n < 2) return { value, interval: UNBOUNDED, standardError: Number.POSITIVE_INFINITY, n };
  const { seed = 1, resamples = 2000, confidence = CONFIDENCE } = options;
  // The ratio's error is, to first order, the mean of these divided by the mean denominator.
  const weight = mean(denominators);
  const residuals = Float64Array.from(
    numerators,
    (numerator, i) => (numerator - value * (denominators[i] as number)) / weight,
  );
  const relative = Float64Array.from(denominators, (denominator) => denominator / weight);
  const standardError = standardDeviation(residuals) / Math.sqrt(n);
  const tail = (1 - confidence) / 2;
  if (standardError === 0) return { value, interval: [value, value], standardError, n };
  if (n < FEWEST_FOR_STUDENTISED) {
    const reach = studentQuantile(1 - tail, n - 1) * standardError;
    return { value, interval: [value - reach, value + reach], standardError, n };
  }
  const random = new Prng(seed);
  const pivots = new Float64Array(resamples);
  for (let b = 0; b < resamples; b++) {
    let errors = 0;
    let weights = 0;
    let errorSquares = 0;
    let weightSquares = 0;
    let products = 0;
    for (let i = 0; i < n; i++) {
      const chosen = random.index(n);
      const error = residuals[chosen] as number;
      const share = relative[chosen] as number;
      errors += error;
      weights += share;
      errorSquares += error * error;
      weightSquares += share * share;
      products += error * share;
    }
    // Resampled ratio less the ratio, and the same standard error formed from the resample's own residuals.
    const shift = errors / weights;
    const squares = errorSquares - 2 * shift * products + shift * shift * weightSquares;
    const error = Math.sqrt(Math.max(squares, 0) / (n - 1) / n) / (weights / n);
    pivots[b] = error > 0 ? shift / error : Math.sign(shift) * Number.MAX_VALUE;
  }
  pivots.sort();
  return {
    value,
    interval: [
      value - quantileOfSorted(pivots, 1 - tail) * standardError,
      value - quantileOfSorted(pivots, tail) * standardError,
    ],
    standardError,
    n,
  };
}

/** Mean with a studentised bootstrap interval; see {@link bootstrapRatio}. */
export function bootstrapMean(values: ArrayLike<number>, options: BootstrapOptions = {}): Estimate {
  return bootstrapRatio(values, new Float64Array(values.length).fill(1), options);
}
