import type { Interval } from "../stats/interval.ts";
import { type BlockMetric, type BlockSummary, lowQuantileDifference, summariseBlock } from "../stats/low-quantile.ts";
import { mean } from "../stats/moments.ts";
import { type DifferenceEstimate, pairedDifference } from "../stats/paired-difference.ts";
import { median } from "../stats/quantile.ts";
import { blockSchedule } from "../stats/schedule.ts";
import { ownCpuNs, waitedChildrenCpuNs } from "../sys/clock.ts";
import { currentCpu, failingSpawn, pinToCpu, waitedSpawn } from "../sys/cost-spawn.ts";

/** What is timed: one call, one process. Must not leave anything behind. */
export interface Operation {
  /** The name in the report, such as `bare-fork`. */
  name: string;
  run(): void;
}

/** Fork, exit and wait, no exec: the operation that a probe on fork and exit weighs most on. See `failingSpawn`. */
export function bareFork(): Operation {
  return { name: "bare-fork", run: failingSpawn() };
}

/** Fork, exec, exit and wait of a program, without arguments. */
export function spawnWithExec(path = "/bin/true"): Operation {
  return { name: "spawn", run: waitedSpawn(path) };
}

/** `on`: watched. `off` and `null`: both not watched, two arms alike, whose difference shows what noise alone does. */
export type SlowdownArm = "on" | "off" | "null";

/** A block: `repetitions` calls of the operation, one after the other. Times in µs a call. */
export interface SlowdownBlock extends BlockSummary {
  /** CPU time of the loop and of the processes that it made, mean, µs a call. */
  cpuUs: number;
}

export interface SlowdownRound {
  order: SlowdownArm[];
  blocks: SlowdownBlock[];
}

export interface SlowdownOptions {
  operation: Operation;
  /**
   * Switches what is measured on or off: attaches and detaches probes, starts and stops an agent. Called only if
   * the state changes; `off` is the state before the first and after the last round. Whatever it leaves to settle it
   * waits for itself.
   */
  arm(on: boolean): void | Promise<void>;
  /** At most this many rounds; default 40. A round has six blocks: two of each arm (`on`, `off`, `null`). */
  rounds?: number;
  /** Operations in a block; default 100. */
  repetitions?: number;
  /** Operations run before each block and not counted; default 5. They take what the switching left cold. */
  warmup?: number;
  seed?: number;
  /** No round is begun after this long. */
  budgetMs?: number;
  /**
   * Stop as soon as an effect of this many µs could be found ({@link DifferenceEstimate.smallestDetectable}), after at
   * least 12 rounds. Stopping by the width of the interval, and not by its position, does not bias the result.
   */
  enoughUs?: number;
  /** Keep the loop on one processor, which halves the noise; default true. */
  pin?: boolean;
  signal?: AbortSignal | undefined;
  onRound?(done: number, rounds: number): void;
}

/** How a difference was calculated, in the words of a report. */
export type SlowdownMetric = BlockMetric | "cpu";

/** What the `on` arm changed, in µs an operation. */
export interface Slowdown {
  operation: string;
  /** Which figure of a block `us` compares. */
  metric: SlowdownMetric;
  us: number;
  usCi95: Interval;
  /** The same between `null` and `off`: should hold 0, and its width is the noise. */
  nullUs: number;
  nullUsCi95: Interval;
  /** Smallest true effect that this run would have found with a probability of 80 %. */
  smallestDetectableUs: number;
  /** Duration of the operation when not watched, µs, by the same figure of a block. */
  operationUs: number;
  /** `us` as a share of `operationUs`. */
  pct: number;
  ci95: Interval;
  rounds: number;
}

const FEWEST_ROUNDS = 12;
/** The first blocks run in the interpreter. */
const BURN_IN_BLOCKS = 6;
const METRICS: readonly SlowdownMetric[] = ["p25", "p10", "p50", "mean", "cpu"];

/**
 * Runs the rounds: each holds six blocks, two of each arm in a random mirrored order (`null off on on off null`), so
 * that a steady drift cancels out and each arm is at each position equally often. The event loop runs between blocks.
 * Leaves the subject off, also when it throws or is aborted; an abort gives the rounds that are complete.
 */
export async function runSlowdownRounds(options: SlowdownOptions): Promise<SlowdownRound[]> {
  const { operation, arm, rounds = 40, repetitions = 100, warmup = 5, seed = 1, enoughUs, signal } = options;
  const deadlineMs = performance.now() + (options.budgetMs ?? Number.POSITIVE_INFINITY);
  const schedule = blockSchedule<SlowdownArm>(["off", "null", "on"], rounds, { seed });
  const durationsUs = new Float64Array(repetitions);
  const done: SlowdownRound[] = [];
  const cpu = (options.pin ?? true) ? currentCpu() : -1;
  let isOn = false;
  const switchTo = async (on: boolean): Promise<void> => {
    if (on === isOn) return;
    // Set first: a switching that fails half-way is undone as well.
    isOn = true;
    await arm(on);
    isOn = on;
  };
  try {
    for (let i = 0; i < BURN_IN_BLOCKS && !signal?.aborted; i++) runBlock(operation, warmup, durationsUs, cpu);
    for (const order of schedule) {
      const blocks: SlowdownBlock[] = [];
      for (const name of order) {
        await switchTo(name === "on");
        await Bun.sleep(0);
        if (signal?.aborted) return done;
        blocks.push(runBlock(operation, warmup, durationsUs, cpu));
      }
      done.push({ order, blocks });
      options.onRound?.(done.length, rounds);
      if (performance.now() >= deadlineMs) break;
      if (enoughUs !== undefined && done.length >= FEWEST_ROUNDS && done.length % 4 === 0) {
        if (differ(done, "p25", "on", { seed, resamples: 400 }).smallestDetectable <= enoughUs) break;
      }
    }
  } finally {
    await switchTo(false);
  }
  return done;
}

/**
 * The slowdown in rounds that have run; a pure function, so that a report's figures can be computed again from its raw
 * rounds.
 *
 * `p25` (the default) finds fractions of a µs, but does not see what falls on few operations only (a reader that is
 * woken once in a hundred events); `mean` and `cpu` count everything and are far noisier. See `lowQuantileDifference`.
 */
export function slowdownOf(
  operation: string,
  rounds: readonly SlowdownRound[],
  { metric = "p25" as SlowdownMetric, seed = 1 } = {},
): Slowdown {
  const effect = differ(rounds, metric, "on", { seed });
  const none = differ(rounds, metric, "null", { seed });
  const operationUs = median(rounds.map((round) => armFigure(round, "off", metric)));
  return {
    operation,
    metric,
    us: effect.value,
    usCi95: effect.interval,
    nullUs: none.value,
    nullUsCi95: none.interval,
    smallestDetectableUs: effect.smallestDetectable,
    operationUs,
    ...shareOf({ us: effect.value, usCi95: effect.interval }, operationUs),
    rounds: rounds.length,
  };
}

/** {@link slowdownOf} by every figure of a block, the default one first. */
export function slowdownByMetric(operation: string, rounds: readonly SlowdownRound[], seed = 1): Slowdown[] {
  return METRICS.map((metric) => slowdownOf(operation, rounds, { metric, seed }));
}

/** A slowdown of some µs as a share of an operation, %. */
export function shareOf(
  slowdown: Pick<Slowdown, "us" | "usCi95">,
  referenceUs: number,
): { pct: number; ci95: Interval } {
  const share = (us: number): number => (100 * us) / referenceUs;
  return { pct: share(slowdown.us), ci95: [share(slowdown.usCi95[0]), share(slowdown.usCi95[1])] };
}

/** Runs the rounds and gives the slowdown by the default figure. */
export async function measureSlowdown(
  options: SlowdownOptions,
): Promise<{ slowdown: Slowdown; rounds: SlowdownRound[] }> {
  const rounds = await runSlowdownRounds(options);
  return { slowdown: slowdownOf(options.operation.name, rounds, { seed: options.seed ?? 1 }), rounds };
}

function runBlock(operation: Operation, warmup: number, durationsUs: Float64Array, cpu: number): SlowdownBlock {
  // For the block only: an agent that is started between blocks must not inherit it.
  using _pinned = pinToCpu(cpu);
  for (let i = 0; i < warmup; i++) operation.run();
  const cpuBefore = ownCpuNs() + waitedChildrenCpuNs();
  for (let i = 0; i < durationsUs.length; i++) {
    const began = Bun.nanoseconds();
    operation.run();
    durationsUs[i] = (Bun.nanoseconds() - began) / 1000;
  }
  const cpuNs = ownCpuNs() + waitedChildrenCpuNs() - cpuBefore;
  return { ...summariseBlock(durationsUs), cpuUs: cpuNs / 1000 / durationsUs.length };
}

function differ(
  rounds: readonly SlowdownRound[],
  metric: SlowdownMetric,
  treated: SlowdownArm,
  options: { seed: number; resamples?: number },
): DifferenceEstimate {
  if (metric === "cpu") {
    return pairedDifference(
      rounds.map((round) => armFigure(round, treated, metric)),
      rounds.map((round) => armFigure(round, "off", metric)),
      options,
    );
  }
  return lowQuantileDifference<SlowdownArm>(rounds, treated, "off", {
    ...options,
    metric,
    centre: metric === "mean" ? "mean" : "median",
  });
}

function armFigure(round: SlowdownRound, arm: SlowdownArm, metric: SlowdownMetric): number {
  const blocks = round.blocks.filter((_, i) => round.order[i] === arm);
  return mean(blocks.map((block) => (metric === "cpu" ? block.cpuUs : block[metric])));
}
