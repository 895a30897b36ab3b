import { CONFIDENCE, type Interval } from "./interval.ts";
import { studentQuantile } from "./student.ts";

/** A measured point of a line; `weight` is proportional to 1 / variance of `y` (default 1). */
export interface LinePoint {
  x: number;
  y: number;
  weight?: number;
}

/** A fitted line, y = intercept + slope · x. */
export interface LineFit {
  intercept: number;
  slope: number;
  interceptInterval: Interval;
  slopeInterval: Interval;
  /** Weighted share of the variation of y that the line explains, 0 to 1; 1 if y does not vary. */
  r2: number;
  /** Number of points. */
  n: number;
  /** Sandwich covariance of (intercept, slope). */
  covariance: { intercept: number; slope: number; both: number };
  /** How many standard errors the intervals reach to either side. */
  reach: number;
}

/**
 * Weighted least squares for a line, with the HC3 sandwich covariance (MacKinnon and White, 1985). So the intervals
 * are valid also if the noise depends on x, for example if a busier machine is noisier, and if the weights are wrong.
 * Quantiles are Student's with n − 2 degrees of freedom. With two points the intervals are unbounded.
 *
 * @returns null if the points do not determine a line (fewer than two different x)
 */
export function fitLine(points: readonly LinePoint[], confidence: number = CONFIDENCE): LineFit | null {
  const rows = points.map(({ x, y, weight = 1 }) => ({ x, y, w: weight })).filter(({ w }) => w > 0);
  const total = rows.reduce((acc, { w }) => acc + w, 0);
  const centreX = rows.reduce((acc, { x, w }) => acc + w * x, 0) / total;
  const centreY = rows.reduce((acc, { y, w }) => acc + w * y, 0) / total;
  const spreadX = rows.reduce((acc, { x, w }) => acc + w * (x - centreX) ** 2, 0);
  if (new Set(rows.map(({ x }) => x)).size < 2) return null;
  const slope = rows.reduce((acc, { x, y, w }) => acc + w * (x - centreX) * (y - centreY), 0) / spreadX;
  const intercept = centreY - slope * centreX;

  const n = rows.length;
  let residualSquares = 0;
  let variationOfY = 0;
  // With x centred the two coefficients (height at the centre, slope) have a diagonal X'WX.
  let meat = { height: 0, slope: 0, both: 0 };
  for (const { x, y, w } of rows) {
    const offset = x - centreX;
    const residual = y - (intercept + slope * x);
    residualSquares += w * residual * residual;
    variationOfY += w * (y - centreY) ** 2;
    const leverage = w * (1 / total + (offset * offset) / spreadX);
    // The line passes through a point of leverage 1 in any case, so its residual does not show the noise.
    const squared = leverage > 1 - 1e-9 ? 0 : (w * (residual / (1 - leverage))) ** 2;
    meat = {
      height: meat.height + squared,
      slope: meat.slope + squared * offset * offset,
      both: meat.both + squared * offset,
    };
  }
  const slopeVariance = meat.slope / spreadX ** 2;
  const heightVariance = meat.height / total ** 2;
  const heightSlope = meat.both / (total * spreadX);
  const covariance = {
    slope: slopeVariance,
    intercept: heightVariance - 2 * centreX * heightSlope + centreX ** 2 * slopeVariance,
    both: heightSlope - centreX * slopeVariance,
  };
  const fit: LineFit = {
    intercept,
    slope,
    interceptInterval: [intercept, intercept],
    slopeInterval: [slope, slope],
    r2: variationOfY > 0 ? 1 - residualSquares / variationOfY : 1,
    n,
    covariance,
    reach: studentQuantile(1 - (1 - confidence) / 2, n - 2),
  };
  fit.interceptInterval = around(intercept, covariance.intercept, fit.reach);
  fit.slopeInterval = around(slope, covariance.slope, fit.reach);
  return fit;
}

/** Height of the line at `x`, with the interval of that height (not of a single new measurement). */
export function lineAt(fit: LineFit, x: number): { value: number; interval: Interval } {
  const { intercept, slope, both } = fit.covariance;
  const value = fit.intercept + fit.slope * x;
  return { value, interval: around(value, intercept + 2 * x * both + x * x * slope, fit.reach) };
}

/** The least x ≥ 0 at which the line reaches a height `y`. */
export interface Inversion {
  /** 0 if the line is at or above `y` at x = 0; Infinity if it never reaches `y`. */
  value: number;
  /**
   * Fieller's interval: all x at which the interval of the line's height contains `y`. Its upper end is Infinity if
   * the interval of the slope contains 0 or less.
   */
  interval: Interval;
}

/** Solves the line for x ≥ 0: up to which x is the height below `y`? */
export function invertLine(fit: LineFit, y: number): Inversion {
  const value = fit.intercept >= y ? 0 : fit.slope > 0 ? (y - fit.intercept) / fit.slope : Number.POSITIVE_INFINITY;
  const slopeSurelyPositive = fit.slopeInterval[0] > 0;
  return {
    value,
    interval: [
      firstAtOrAbove((x) => lineAt(fit, x).interval[1], y),
      // The lower limit of the height is concave: it rises without end only if the lower limit of the slope is above 0.
      slopeSurelyPositive ? firstAtOrAbove((x) => lineAt(fit, x).interval[0], y) : Number.POSITIVE_INFINITY,
    ],
  };
}

function around(value: number, variance: number, reach: number): Interval {
  if (!Number.isFinite(reach)) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const half = reach * Math.sqrt(Math.max(variance, 0));
  return [value - half, value + half];
}

/** Smallest x ≥ 0 with height(x) ≥ y; Infinity if there is none. From there on the height must stay at or above `y`. */
function firstAtOrAbove(height: (x: number) => number, y: number): number {
  if (height(0) >= y) return 0;
  let high = 1;
  while (height(high) < y) {
    high *= 2;
    if (high > 2 ** 60) return Number.POSITIVE_INFINITY;
  }
  let low = 0;
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (height(middle) < y) low = middle;
    else high = middle;
  }
  return high;
}
