import { runWorkload, type WorkloadHandle } from "../workload/run-workload.ts";
import type { MethodMeter, MethodReading } from "./method-meter.ts";
import type { SessionSetting } from "./session-setting.ts";
import { WARMUP_SPAWNS } from "./spawn-timer.ts";
import { unless } from "./stop.ts";

/** Of the workload's kinds of processes, a second: several times what a turn has, as if it had run for longer. */
const RATE = 500;
const MAX_OUTSTANDING = 1024;
/** Time that the last processes have to end after the warm-up stops spawning. Those that still run then are killed. */
const DRAIN_MS = 20;
/** Maximum number of spawns one after the other in a step: its time is over first. */
const MAX_SPAWNS = 100_000;
/** Fewest steps: two to compare with, and one before them. */
const LEAST_STEPS = 3;
/** A cost that falls by less than this from step to step is settled: as close as the steps themselves repeat. */
const TOLERANCE = 0.1;

/** What came of a warm-up. */
export interface WarmedUp {
  /** Processes that the warm-up made. All of them have ended. */
  spawned: number;
  seconds: number;
  /** Whether the method still became cheaper at its end. */
  isSettled: boolean;
}

/**
 * Whether a method has stopped becoming cheaper. What else runs on the machine only ever adds to a step's cost, so the
 * cheaper of the last two steps is compared with the cheapest one before them.
 *
 * @param costs of equally long steps, in their order
 */
export function isSettled(costs: readonly number[]): boolean {
  if (costs.length < LEAST_STEPS) return false;
  return Math.min(...costs.slice(-2)) >= (1 - TOLERANCE) * Math.min(...costs.slice(0, -2));
}

/**
 * What an event method sees before its clocks are read: the workload's kinds of processes at a high rate and, at the
 * same time, spawns one after the other. It simulates a method that has run for days and whose code is compiled. The
 * warm-up continues in steps until a process costs the same as in the steps before. The rule is the same for every
 * method.
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

  /** Prepares it: nothing is spawned yet, so that a tracer can be attached to `pid`. */
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

/** CPU time of a step over the processes in it, or over its length where those are not counted. */
function costOf(meter: MethodMeter, before: MethodReading, after: MethodReading): number {
  const { cpuNs, kernelNs, elapsedNs } = meter.use(before, after);
  const forks = before.forks === null || after.forks === null ? 0 : after.forks - before.forks;
  return (cpuNs + (kernelNs ?? 0)) / (forks > 0 ? forks : elapsedNs);
}
