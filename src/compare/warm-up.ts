import { runWorkload, type WorkloadHandle } from "../workload/run-workload.ts";
import type { MethodMeter, MethodReading } from "./method-meter.ts";
import type { SessionSetting } from "./session-setting.ts";
import { WARMUP_SPAWNS } from "./spawn-timer.ts";
import { unless } from "./stop.ts";

/** Processes a second: several times the rate of a turn, so that a short warm-up has the effect of a longer run. */
const RATE = 500;
const MAX_OUTSTANDING = 1024;
/** How long the last processes have to end after the warm-up stops spawning, ms. Then the rest is killed. */
const DRAIN_MS = 20;
/** Maximum number of timed spawns in a step. It is so high that the time of the step ends first. */
const MAX_SPAWNS = 100_000;
/** Least number of steps: the last two, and one before them to compare with. */
const LEAST_STEPS = 3;
/** A cost is settled if it falls by at most this share: equal steps differ by about as much. */
const TOLERANCE = 0.1;

/** The result of a warm-up. */
export interface WarmedUp {
  /** Processes that the warm-up made. All of them have ended. */
  spawned: number;
  seconds: number;
  /** Whether the cost had settled at the end of the warm-up. */
  isSettled: boolean;
}

/**
 * Whether a method has stopped becoming cheaper. Other work on the machine can only add to the cost of a step, so the
 * cheaper of the last two steps is compared with the cheapest step before them.
 *
 * @param costs of equally long steps, in their order
 */
export function isSettled(costs: readonly number[]): boolean {
  if (costs.length < LEAST_STEPS) return false;
  return Math.min(...costs.slice(-2)) >= (1 - TOLERANCE) * Math.min(...costs.slice(0, -2));
}

/**
 * The load on an event method before its clocks are read: the workload's kinds of processes at a high rate and, at the
 * same time, timed spawns. It simulates a method that has run for days and whose code is compiled. The warm-up
 * continues in steps until a process costs about the same as in earlier steps. The rule is the same for every method.
 */
export class WarmUp implements AsyncDisposable {
  readonly #workload: WorkloadHandle;
  readonly #setting: SessionSetting;
  readonly pid: number;

  private constructor(workload: WorkloadHandle, setting: SessionSetting, pid: number) {
    this.#workload = workload;
    this.#setting = setting;
    this.pid = pid;
  }

  /** Prepares the warm-up without spawning anything, so that a tracer can attach to `pid` first. */
  static async prepare(setting: SessionSetting): Promise<WarmUp> {
    const { plan, options, signal } = setting;
    const { stepMs, mostSteps } = plan.warmUp;
    const workload = runWorkload({
      mix: plan.mix,
      rate: RATE,
      durationMs: stepMs * (mostSteps + 1),
      maxOutstanding: MAX_OUTSTANDING,
      drainMs: DRAIN_MS,
      seed: options.seed,
    });
    try {
      const { spawnerPid } = await unless(signal, workload.ready);
      return new WarmUp(workload, setting, spawnerPid);
    } catch (error) {
      await workload[Symbol.asyncDispose]();
      throw error;
    }
  }

  async run(meter: MethodMeter): Promise<WarmedUp> {
    const { plan, timer, signal } = this.#setting;
    const { stepMs, mostSteps } = plan.warmUp;
    const began = performance.now();
    const costs: number[] = [];
    let timed = 0;
    await this.#workload.start();
    for (let before = meter.read(); costs.length < mostSteps && !isSettled(costs); ) {
      const { n } = await unless(signal, timer.time(MAX_SPAWNS, stepMs));
      timed += n + WARMUP_SPAWNS;
      const now = meter.read();
      costs.push(costOf(meter, before, now));
      before = now;
    }
    const { spawned } = await unless(signal, this.#workload.stop());
    return { spawned: timed + spawned, seconds: (performance.now() - began) / 1000, isSettled: isSettled(costs) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#workload[Symbol.asyncDispose]();
  }
}

/** CPU time of a step divided by the forks in it, or by its length if the kernel does not count forks. */
function costOf(meter: MethodMeter, before: MethodReading, after: MethodReading): number {
  const { cpuNs, kernelNs, elapsedNs } = meter.use(before, after);
  const forks = before.forks === null || after.forks === null ? 0 : after.forks - before.forks;
  return (cpuNs + (kernelNs ?? 0)) / (forks > 0 ? forks : elapsedNs);
}
