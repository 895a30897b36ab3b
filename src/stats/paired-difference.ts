import { type BootstrapOptions, bootstrapMean, bootstrapMedian, type Estimate } from "./bootstrap.ts";
import { CONFIDENCE } from "./interval.ts";
import { normalQuantile } from "./normal.ts";

/** The power of {@link smallestDetectable}: the share of runs that would find an effect of that size. */
export const DETECTION_POWER = 0.8;

/** The effect of a treatment, from rounds that each contain both arms. Its unit is that of the values. */
export interface DifferenceEstimate extends Estimate {
  /** See {@link smallestDetectable}. */
  smallestDetectable: number;
}

export interface DifferenceOptions extends BootstrapOptions {
  /** Centre of the rounds' differences: outliers hardly change the median, but they change the mean. Default median. */
  centre?: "median" | "mean";
}

/**
 * The smallest true effect that 80 % of the runs with this standard error find. A run finds an effect if its interval
 * excludes 0. The effect is (z of the confidence + z of the power) × standard error: 2.8 standard errors at 95 %.
 */
export function smallestDetectable(standardError: number, confidence: number = CONFIDENCE): number {
  return (normalQuantile(1 - (1 - confidence) / 2) + normalQuantile(DETECTION_POWER)) * standardError;
}

/**
 * Centre of the differences `treated[i] − control[i]` with a bootstrap interval over the rounds. An influence that is
 * the same for both arms of a round, such as the state of the machine, cancels.
 *
 * @throws RangeError if the arms do not have the same number of rounds
 */
export function pairedDifference(
  treated: ArrayLike<number>,
  control: ArrayLike<number>,
  options: DifferenceOptions = {},
): DifferenceEstimate {
  if (treated.length !== control.length) throw new RangeError("the arms differ in number of rounds");
  const differences = Float64Array.from(treated, (value, i) => value - (control[i] as number));
  const estimate =
    options.centre === "mean" ? bootstrapMean(differences, options) : bootstrapMedian(differences, options);
  return { ...estimate, smallestDetectable: smallestDetectable(estimate.standardError, options.confidence) };
}
