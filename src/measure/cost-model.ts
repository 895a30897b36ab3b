import type { Interval } from "../stats/interval.ts";
import { fitLine, invertLine, type LineFit, type LinePoint, lineAt } from "../stats/line-fit.ts";

/** One window of the workload or of a sweep over rates. */
export interface CostPoint {
  /** The achieved rate, not the requested one. */
  processesPerSecond: number;
  /** Cost in that window, % of one core. */
  cpuPct: number;
  /** Length of the window, s: the weight of the point, because the mean of a longer window has less noise. */
  durationS: number;
}

/** cpuPct = idlePct + usPerProcess · processesPerSecond / 10,000. */
export interface CostModel {
  /** % of one core at 0 processes a second. Noise can make it slightly negative. */
  idlePct: number;
  idlePctCi95: Interval;
  /** CPU time for each process (its fork, exec and exit together), µs. */
  usPerProcess: number;
  usPerProcessCi95: Interval;
  /** Share of the variation between the windows that the line explains. */
  r2: number;
  /** Number of windows. */
  points: number;
  fit: LineFit;
}

/** 1 µs a process at 1 process a second is 10^-6 of a core. */
const PCT_PER_US_AND_RATE = 1e-4;

/**
 * Fits the idle cost and the cost of a process to windows at several rates; one of them should be 0. Above the measured
 * rates the line predicts too much rather than too little, because at high rates more events share a wake-up.
 *
 * @returns null if the points have fewer than two different rates
 */
export function fitCostModel(points: readonly CostPoint[]): CostModel | null {
  const fit = fitLine(
    points.map((point): LinePoint => ({ x: point.processesPerSecond, y: point.cpuPct, weight: point.durationS })),
  );
  if (fit === null) return null;
  return {
    idlePct: fit.intercept,
    idlePctCi95: fit.interceptInterval,
    usPerProcess: fit.slope / PCT_PER_US_AND_RATE,
    usPerProcessCi95: [fit.slopeInterval[0] / PCT_PER_US_AND_RATE, fit.slopeInterval[1] / PCT_PER_US_AND_RATE],
    r2: fit.r2,
    points: fit.n,
    fit,
  };
}

/** The cost at a rate by the model: % of one core, never below 0, with the interval of the long-run mean. */
export function predictCpuPct(model: CostModel, processesPerSecond: number): { cpuPct: number; ci95: Interval } {
  const { value, interval } = lineAt(model.fit, processesPerSecond);
  return { cpuPct: Math.max(value, 0), ci95: [Math.max(interval[0], 0), Math.max(interval[1], 0)] };
}

/**
 * The highest rate of processes at which the cost stays below `thresholdPct` % of one core; Infinity if the cost never
 * reaches it. The upper end of the interval is Infinity if the windows do not bound it.
 */
export function processesPerSecondAt(
  model: CostModel,
  thresholdPct: number,
): { processesPerSecond: number; ci95: Interval } {
  const { value, interval } = invertLine(model.fit, thresholdPct);
  return { processesPerSecond: value, ci95: interval };
}

/** A kind of machine, by its number of events. */
export interface Environment {
  name: string;
  eventsPerDay: number;
}

/** The kinds of machines that claims of "<1 %" refer to. */
export const ENVIRONMENTS: readonly Environment[] = [
  { name: "small-server", eventsPerDay: 50_000 },
  { name: "busy-api", eventsPerDay: 500_000 },
  { name: "ci-runner", eventsPerDay: 2_000_000 },
];

/** Fork, exec, exit. */
export const EVENTS_PER_PROCESS = 3;

const SECONDS_PER_DAY = 86_400;

export interface EnvironmentPrediction extends Environment {
  processesPerSecond: number;
  predictedPct: number;
  ci95: Interval;
}

/**
 * Predicts what the same tool would cost on such machines with the CPUs of this machine: the average over a day, % of
 * one core. 50,000 events a day are 0.2 processes a second, so nearly all of that cost is the idle cost.
 */
export function predictEnvironments(
  model: CostModel,
  environments: readonly Environment[] = ENVIRONMENTS,
  eventsPerProcess: number = EVENTS_PER_PROCESS,
): EnvironmentPrediction[] {
  return environments.map((environment) => {
    const processesPerSecond = environment.eventsPerDay / SECONDS_PER_DAY / eventsPerProcess;
    const { cpuPct, ci95 } = predictCpuPct(model, processesPerSecond);
    return { ...environment, processesPerSecond, predictedPct: cpuPct, ci95 };
  });
}
