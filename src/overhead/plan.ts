import { LIMITS } from "../workload/spec.ts";
import { askedRate, type OverheadOptions } from "./options.ts";

/** One rate of the sweep that the cost model is fitted to. */
export interface SweepStep {
  /** Spawns a second; 0: none. */
  rate: number;
  windows: number;
  windowMs: number;
}

/** How the time of a test is spent, ms. */
export interface Plan {
  /** A comparison of two arms that are alike: it shows how far apart noise alone drives them; 0: left out. */
  noiseMs: number;
  /** 0: left out. */
  baselineMs: number;
  /** How long each of two fresh collectors is measured from its exec on; 0: left out. */
  coldMs: number;
  /**
   * Warm-up: what a program does once in its life, such as compiling its own code, must end before the samples begin.
   * The report shows it separately.
   */
  warmUp: { rate: number; durationMs: number };
  /**
   * From a change of the workload's rate to the first window. A reader that gathers events for some time still works on
   * earlier ones until then. After it each window has a whole share of reading.
   */
  leadInMs: number;
  durationMs: number;
  intervalMs: number;
  rate: number;
  sweep: SweepStep[];
  /** How long the workload runs while the subject's output is followed; 0: left out. */
  outputMs: number;
  /** How long the subject gathers events before it reads them; null if that is not known. */
  flushMs: number | null;
  /** 0: left out. */
  slowdownMs: number;
  /** How the steps of a collector are timed in this process; null: left out. */
  steps: { warmUpMs: number; batches: number } | null;
}

/** Maximum time for one rate of the sweep, and for the slowdown: more would improve the figures little. */
const MAX_STEP_MS = 30_000;
const MAX_SLOWDOWN_MS = 60_000;
/** The first seconds of a collector. After them the runtime has compiled the code that runs all the time. */
const MAX_COLD_MS = 10_000;
const MIN_COLD_MS = 3_000;
const MAX_NOISE_MS = 2_000;
/** A window of the sweep: some looks of a reader that looks once a second. */
const WINDOW_MS = 4_000;
/** Least that one rate of the sweep takes, unless all of the workload is shorter. */
const MIN_STEP_MS = 3_000;
/** The sweep goes around this rate at least, so that a quiet workload still gets a model. */
const FEWEST_PER_SECOND = 100;
/**
 * Every machine can make this many processes per second. If the requested rate is above it, the sweep adds only lower
 * rates.
 */
const SURELY_POSSIBLE = 150;
/**
 * Processes that the warm-up spawns per second. Each runs `true`. This is eight times the rate of the default workload, so a
 * short warm-up is enough.
 */
const WARM_UP_RATE = 800;
/**
 * The longest time for which an agent gathers events if the test does not know it. execsnoop and similar tools wake
 * immediately, linnix once a second.
 */
const USUAL_LEAD_IN_MS = 1_200;

/** How long the workload runs while the output is followed; never less than a flush, so that every possible delay occurs. */
const OUTPUT_MS = 3_000;
const QUICK_OUTPUT_MS = 1_000;
/** While the reader warms up, the runtime compiles its code. */
const STEPS = { warmUpMs: 500, batches: 60 };
const QUICK_STEPS = { warmUpMs: 250, batches: 25 };

/** Rates of the sweep; the workload itself adds its own. */
export function sweepRates(rate: number, quick: boolean): number[] {
  const around = Math.min(Math.max(rate, FEWEST_PER_SECOND), LIMITS.rate);
  if (around > SURELY_POSSIBLE) return quick ? [0, around / 4] : [0, around / 4, around / 2];
  return quick ? [0, around * 2] : [0, around / 2, around * 2];
}

/**
 * Makes a plan that fits the asked durations: the parts that have no option of their own take a share of `durationMs`.
 *
 * @param flushMs how long the subject gathers events before it reads them; null if that is not known
 */
export function planOf(options: OverheadOptions, flushMs: number | null): Plan {
  const { subject, durationMs, intervalMs, quick } = options;
  const rate = askedRate(options);
  const stepMs = Math.max(Math.min(durationMs / 5, MAX_STEP_MS), Math.min(MIN_STEP_MS, durationMs));
  const windows = Math.max(Math.round(stepMs / WINDOW_MS), 3);
  const canStop = subject.kind !== "pid";
  const isLinnix = subject.kind === "linnix";
  // Each round of a command starts it twice.
  const slowdownShare = subject.kind === "command" ? 0.7 : 0.4;
  return {
    noiseMs: Math.min(durationMs / 10, MAX_NOISE_MS),
    baselineMs: canStop ? options.baselineMs : 0,
    coldMs: isLinnix && !quick ? Math.max(Math.min(durationMs / 2, MAX_COLD_MS), MIN_COLD_MS) : 0,
    warmUp: { rate: WARM_UP_RATE, durationMs: Math.min(quick ? 2_500 : 10_000, durationMs / 2) },
    leadInMs: flushMs === null ? USUAL_LEAD_IN_MS : flushMs + 200,
    durationMs,
    intervalMs: Math.min(intervalMs, durationMs),
    rate,
    sweep: sweepRates(rate, quick).map((each) => ({ rate: each, windows, windowMs: stepMs / windows })),
    outputMs: isLinnix ? Math.max(quick ? QUICK_OUTPUT_MS : OUTPUT_MS, flushMs ?? 0) : 0,
    flushMs,
    steps: isLinnix ? (quick ? QUICK_STEPS : STEPS) : null,
    slowdownMs: canStop ? Math.min(durationMs * slowdownShare, MAX_SLOWDOWN_MS) : 0,
  };
}

/** One part of a run, as progress shows it. */
export interface PlannedPhase {
  name: PhaseName;
  seconds: number;
}

export type PhaseName =
  | "noise"
  | "baseline"
  | "cold"
  | "start"
  | "warm-up"
  | "workload"
  | "sweep"
  | "output"
  | "slowdown"
  | "steps";

/** What is said of a run that ends during such a part. */
export const PHASE_WORDS: Record<PhaseName, string> = {
  noise: "measuring the noise of the machine",
  baseline: "the baseline",
  cold: "the cold start",
  start: "the subject's start",
  "warm-up": "the warm-up",
  workload: "the workload",
  sweep: "the sweep over rates",
  output: "the delay of the output",
  slowdown: "the slowdown",
  steps: "the timing of single steps",
};

/** What starting and stopping a subject takes about, ms. */
const START_MS = 600;
/** What ending a workload takes about: its last children, its rows. */
const WORKLOAD_END_MS = 300;

/** From the last line of the output until it is clear that it is the last one. */
const OUTPUT_END_MS = 150;
/** What a batch of the reader takes about, with its encoding and without: 1,600 records. */
const BATCH_MS = 5;

/** The parts in their order with about how long they take. */
export function phasesOf(plan: Plan): PlannedPhase[] {
  const sweepMs = plan.sweep.reduce(
    (total, { windows, windowMs }) => total + plan.leadInMs + windows * windowMs + WORKLOAD_END_MS,
    0,
  );
  const phases: [PhaseName, number][] = [
    ["noise", plan.noiseMs],
    ["baseline", plan.baselineMs],
    ["cold", 2 * plan.coldMs],
    ["start", START_MS],
    ["warm-up", plan.warmUp.durationMs + WORKLOAD_END_MS],
    ["workload", plan.leadInMs + plan.durationMs + WORKLOAD_END_MS],
    ["sweep", sweepMs + START_MS],
    ["output", plan.outputMs === 0 ? 0 : plan.outputMs + (plan.flushMs ?? 0) / 2 + OUTPUT_END_MS],
    ["slowdown", plan.slowdownMs === 0 ? 0 : plan.slowdownMs + START_MS],
    ["steps", plan.steps === null ? 0 : plan.steps.warmUpMs + plan.steps.batches * BATCH_MS],
  ];
  return phases.filter(([, ms]) => ms > 0).map(([name, ms]) => ({ name, seconds: ms / 1000 }));
}
