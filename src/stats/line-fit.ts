import { CONFIDENCE, type Interval } from "./interval.ts";
import { studentQuantile } from "./student.ts";

/** A measured point of a line; `weight` is proportional to 1 / variance (default 1). */
export interface LinePoint {
  x: number;
  y: number;
  weight?: number;
}

/** y = intercept + slope · x, fitted. */
export interface LineFit {
  intercept: number;
  slope: number;
  interceptInterval: Interval;
  slopeInterval: Interval;
  /** Weighted share of the variation of y that the line explains; 1 where y does not vary. */
  r2: number;
  /** Number of points. */
  n: number;
  /** Sandwich covariance of (intercept, slope). */
  covariance: { intercept: number; slope: number; both: number };
  /** How many standard errors the intervals reach to either side. */
  reach: number;
}

/**
 * Weighted least squares for a line, with the HC3 sandwich covariance (MacKinnon and White, 1985): the intervals hold
 * where the noise is not the same everywhere, as when a busy machine is a noisier one, also if the weights are wrong.
 * Quantiles are Student's with n − 2 degrees of freedom; two points give the line and unbounded intervals.
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
    // A point that the line must pass through says nothing about the noise.
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

/** Where the line reaches `y`, for x ≥ 0 and a cost that grows with x. */
export interface Inversion {
  /** 0 if the line starts at or above `y`; Infinity if it does not rise to it. */
  value: number;
  /**
   * Fieller's interval: all x at which the interval of the line's height holds `y`. Its upper end is Infinity if
   * the slope is not surely above 0.
   */
  interval: Interval;
}

/** Solves the line for x ≥ 0: up to which x does y stay below a limit? */
export function invertLine(fit: LineFit, y: number): Inversion {
  const value = fit.intercept >= y ? 0 : fit.slope > 0 ? (y - fit.intercept) / fit.slope : Number.POSITIVE_INFINITY;
  const slopeSurelyPositive = fit.slopeInterval[0] > 0;
  return {
    value,
    interval: [
      firstAtOrAbove((x) => lineAt(fit, x).interval[1], y),
      // The lower limit is concave: it rises all the way only if the slope's own lower limit is positive.
      slopeSurelyPositive ? firstAtOrAbove((x) => lineAt(fit, x).interval[0], y) : Number.POSITIVE_INFINITY,
    ],
  };
}

function around(value: number, variance: number, reach: number): Interval {
  if (!Number.isFinite(reach)) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const half = reach * Math.sqrt(Math.max(variance, 0));
  return [value - half, value + half];
}

/** Smallest x ≥ 0 at which a function that does not fall back below `y` reaches it; Infinity if it never does. */
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
