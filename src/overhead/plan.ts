import { LIMITS } from "../workload/spec.ts";
import { askedRate, type OverheadOptions } from "./options.ts";

/** One rate of the sweep that the cost model is fitted to. */
export interface SweepStep {
  /** Spawns a second; 0: none. */
  rate: number;
  windows: number;
  windowMs: number;
}

/** The durations and rates of a test. Times in ms. */
export interface Plan {
  /** For a comparison of two unwatched arms, which shows how far noise alone moves them apart; 0: left out. */
  noiseMs: number;
  /** How long the machine is measured without the subject; 0: left out. */
  baselineMs: number;
  /** How long each of two fresh collectors is measured from its exec on; 0: left out. */
  coldMs: number;
  /**
   * The warm-up before the samples: in it the subject does what it does only once, such as compiling its own code. The
   * report shows its cost separately.
   */
  warmUp: { rate: number; durationMs: number };
  /**
   * From a change of the workload's rate to the first window. During this time a reader that gathers events still reads
   * events of the former rate. Afterwards each window includes the reading of as many events as occur in it.
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
  /** Most time for the rounds of the slowdown; 0: left out. */
  slowdownMs: number;
  /** How the single steps of a collector are timed in this process; null: left out. */
  steps: { warmUpMs: number; batches: number } | null;
}

/** Maximum time for one rate of the sweep, and for the slowdown. More time would hardly improve the figures. */
const MAX_STEP_MS = 30_000;
const MAX_SLOWDOWN_MS = 60_000;
/** Duration of a cold start. After it the runtime has compiled the code that runs all the time. */
const MAX_COLD_MS = 10_000;
const MIN_COLD_MS = 3_000;
const MAX_NOISE_MS = 2_000;
/** Length of a window of the sweep. In it a reader with an interval of one second reads several times. */
const WINDOW_MS = 4_000;
/** Minimum time for one rate of the sweep, unless `durationMs` is shorter. */
const MIN_STEP_MS = 3_000;
/** The rates of the sweep depend on the workload's rate, or on this rate if that is lower: a model needs some load. */
const FEWEST_PER_SECOND = 100;
/**
 * Every machine can make this many processes per second. If the requested rate is higher, the sweep has only rates
 * below it.
 */
const SURELY_POSSIBLE = 150;
/**
 * Processes that the warm-up spawns per second. Each runs `true`. This is eight times the rate of the default workload,
 * so a short warm-up is enough.
 */
const WARM_UP_RATE = 800;
/**
 * The lead-in of an agent if the test does not know for how long it gathers events. execsnoop and similar tools wake
 * immediately, linnix once a second.
 */
const USUAL_LEAD_IN_MS = 1_200;

/** How long the workload runs while the output is followed; at least one flush interval, so that every delay occurs. */
const OUTPUT_MS = 3_000;
const QUICK_OUTPUT_MS = 1_000;
/** The runtime compiles the reader's code during its warm-up. */
const STEPS = { warmUpMs: 500, batches: 60 };
const QUICK_STEPS = { warmUpMs: 250, batches: 25 };

/** Rates of the sweep, spawns a second. The model also has the windows at the workload's own rate. */
export function sweepRates(rate: number, quick: boolean): number[] {
  const around = Math.min(Math.max(rate, FEWEST_PER_SECOND), LIMITS.rate);
  if (around > SURELY_POSSIBLE) return quick ? [0, around / 4] : [0, around / 4, around / 2];
  return quick ? [0, around * 2] : [0, around / 2, around * 2];
}

/**
 * Makes a plan for the requested durations. Parts without an option of their own take a share of `durationMs`.
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
  // Each round starts a command once or twice.
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

/** A phase of a run, for the progress display. */
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

/** Names of the phases in the message about a run that ends during one of them. */
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

/** About how long starting and stopping a subject takes, ms. */
const START_MS = 600;
/** About how long the end of a workload takes, ms: waiting for its last children, and reading its rows. */
const WORKLOAD_END_MS = 300;

/** How long it takes to decide that a line of the output was the last one, ms. */
const OUTPUT_END_MS = 150;
/** About how long a batch of the reader takes, ms: 800 records with encoding, and 800 without. */
const BATCH_MS = 5;

/** The phases in their order, with their approximate durations. */
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
