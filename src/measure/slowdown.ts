import type { Interval } from "../stats/interval.ts";
import { type BlockMetric, type BlockSummary, lowQuantileDifference, summariseBlock } from "../stats/low-quantile.ts";
import { mean } from "../stats/moments.ts";
import { type DifferenceEstimate, pairedDifference } from "../stats/paired-difference.ts";
import { median } from "../stats/quantile.ts";
import { blockSchedule } from "../stats/schedule.ts";
import { ownCpuNs, waitedChildrenCpuNs } from "../sys/clock.ts";
import { currentCpu, failingSpawn, pinToCpu, waitedSpawn } from "../sys/cost-spawn.ts";

/** The timed operation: each call makes one process. It must not leave anything behind. */
export interface Operation {
  /** The name in the report, such as `bare-fork`. */
  name: string;
  run(): void;
}

/** Fork, exit and wait without exec: probes on fork and exit slow this operation the most. See `failingSpawn`. */
export function bareFork(): Operation {
  return { name: "bare-fork", run: failingSpawn() };
}

/** Fork, exec, exit and wait of a program, without arguments. */
export function spawnWithExec(path = "/bin/true"): Operation {
  return { name: "spawn", run: waitedSpawn(path) };
}

/** `on`: watched. `off` and `null`: not watched. The difference between these two shows the effect of noise alone. */
export type SlowdownArm = "on" | "off" | "null";

/** A block: `repetitions` calls of the operation, one after the other. Times are µs of one call. */
export interface SlowdownBlock extends BlockSummary {
  /** Mean CPU time of a call, µs: of the loop and of the processes that it made. */
  cpuUs: number;
}

export interface SlowdownRound {
  order: SlowdownArm[];
  blocks: SlowdownBlock[];
}

export interface SlowdownOptions {
  operation: Operation;
  /**
   * Switches the subject on or off: attaches and detaches probes, or starts and stops an agent. It is called only if
   * the state changes. The state is `off` before the first and after the last round. The returned promise must resolve
   * only once the effects of the switch have settled.
   */
  arm(on: boolean): void | Promise<void>;
  /** At most this many rounds; default 40. A round has six blocks: two of each arm (`on`, `off`, `null`). */
  rounds?: number;
  /** Operations in a block; default 100. */
  repetitions?: number;
  /** Operations that run before each block and do not count; default 5. They warm the caches after a switch. */
  warmup?: number;
  seed?: number;
  /** No round begins after this time, ms; default: no limit. */
  budgetMs?: number;
  /**
   * Stop as soon as the rounds could find an effect of this many µs ({@link DifferenceEstimate.smallestDetectable}),
   * but not before 12 rounds. This depends on the width of the interval and not on its position, so it does not bias
   * the result.
   */
  enoughUs?: number;
  /** Keep the loop on one CPU, which halves the noise; default true. */
  pin?: boolean;
  signal?: AbortSignal | undefined;
  onRound?(done: number, rounds: number): void;
}

/** The figure of a block that a report compares. */
export type SlowdownMetric = BlockMetric | "cpu";

/** How much longer an operation takes in the `on` arm. Intervals are 95 %. */
export interface Slowdown {
  operation: string;
  /** The figure of a block that `us` compares. */
  metric: SlowdownMetric;
  us: number;
  usCi95: Interval;
  /** The same difference between `null` and `off`. Its interval should contain 0; the width shows the noise. */
  nullUs: number;
  nullUsCi95: Interval;
  /** Smallest true effect that this run would have found with a probability of 80 %. */
  smallestDetectableUs: number;
  /** Duration of the operation in the `off` arm, µs, by the same figure of a block. */
  operationUs: number;
  /** `us` as a share of `operationUs`, %. */
  pct: number;
  ci95: Interval;
  rounds: number;
}

const FEWEST_ROUNDS = 12;
/** Blocks that do not count: at first the runtime interprets the loop and has not compiled it yet. */
const BURN_IN_BLOCKS = 6;
const METRICS: readonly SlowdownMetric[] = ["p25", "p10", "p50", "mean", "cpu"];

/**
 * Runs the rounds. Each round has six blocks, two of each arm, in a random mirrored order such as `null off on on off
 * null`. So a steady drift cancels out, and each arm is at each position equally often. The event loop runs between
 * blocks. The subject is off at the end, also after an error or an abort. After an abort the result is the complete
 * rounds.
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
    // Set before the switch, so that `finally` also switches off after a switch that failed half-way.
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
 * Computes the slowdown from completed rounds. It is a pure function, so the figures of a report can be computed again
 * from its raw rounds.
 *
 * `p25` (the default) finds fractions of a µs. It misses costs that affect few operations only, such as a reader that
 * wakes once in a hundred events. `mean` and `cpu` include all costs and are far noisier. See `lowQuantileDifference`.
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

/** {@link slowdownOf} for every figure of a block; the default, `p25`, comes first. */
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

/** Runs the rounds and computes the slowdown by `p25`. */
export async function measureSlowdown(
  options: SlowdownOptions,
): Promise<{ slowdown: Slowdown; rounds: SlowdownRound[] }> {
  const rounds = await runSlowdownRounds(options);
  return { slowdown: slowdownOf(options.operation.name, rounds, { seed: options.seed ?? 1 }), rounds };
}

function runBlock(operation: Operation, warmup: number, durationsUs: Float64Array, cpu: number): SlowdownBlock {
  // For this block only: an agent that is started between blocks must not inherit the pinning.
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
