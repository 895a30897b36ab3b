import { runWorkload, type WorkloadHandle } from "../workload/run-workload.ts";
import type { SessionSetting } from "./session-setting.ts";
import { WARMUP_SPAWNS } from "./spawn-timer.ts";
import { unless } from "./stop.ts";

/** Of the workload's kinds of processes, a second: several times what a turn has, as if it had run for longer. */
const RATE = 500;
const MAX_OUTSTANDING = 1024;
/** Those that live for longer are killed. */
const DRAIN_MS = 20;

/**
 * What a method that is told by the kernel sees before its clocks are read: the workload's kinds of processes at a high
 * rate, and spawns one after the other beside them. What watches for days has had its code compiled long ago; within a
 * few seconds that takes many processes at once, those that live on for its samples too.
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
    const workload = runWorkload({
      mix: plan.mix,
      rate: RATE,
      durationMs: plan.warmUpMs,
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

  /** @returns how many processes it made, all of which have ended */
  async run(): Promise<number> {
    const { plan, timer, signal } = this.#setting;
    await this.#workload.start();
    const { n } = await unless(signal, timer.time(plan.warmUpSpawns, plan.warmUpMs));
    const { spawned } = await unless(signal, this.#workload.done);
    return n + WARMUP_SPAWNS + spawned;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#workload[Symbol.asyncDispose]();
  }
}
