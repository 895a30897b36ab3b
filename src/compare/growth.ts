import type { Observer, RunningObserver } from "../observers/observer.ts";
import { newTally } from "../observers/observer.ts";
import type { CpuUsage } from "../sys/child.ts";
import { runWorkload } from "../workload/run-workload.ts";
import { looksBetween } from "./looks.ts";
import { MethodMeter } from "./method-meter.ts";
import type { SessionSetting } from "./session-setting.ts";
import { processCount, Sleepers } from "./sleepers.ts";
import { sleepUnless, unless } from "./stop.ts";
import { WarmUp } from "./warm-up.ts";

/** Window of an event method at each number of processes, ms: whole seconds, as for `eventWindowMs`. */
const EVENT_WINDOW_MS = 2000;

/** The cost of a method among a number of processes. */
export interface GrowthFigure {
  method: string;
  /** CPU time of a look, µs; null for event methods, and if there were too few looks. */
  usPerLook: number | null;
  /** Cost at the workload's rate, % of one core; null for polling methods. */
  cpuPct: number | null;
}

/** The costs of the methods at one number of processes. */
export interface GrowthStep {
  sleeping: number;
  /** All processes of the machine, the sleeping ones included. */
  processes: number;
  figures: GrowthFigure[];
  /** Methods without a figure, and why. */
  failed: { method: string; reason: string }[];
}

/** Measures each of the methods while `sleeping` additional processes sleep on the machine. */
export async function measureAt(
  sleeping: number,
  methods: readonly Observer[],
  setting: SessionSetting,
  onMethod: (method: string) => void,
): Promise<GrowthStep> {
  await using _sleepers = await Sleepers.start(sleeping, setting.signal);
  const step: GrowthStep = { sleeping, processes: processCount(), figures: [], failed: [] };
  for (const method of methods) {
    onMethod(method.name);
    try {
      step.figures.push(await lookCost(method, setting));
    } catch (error) {
      if (setting.signal.aborted) throw error;
      step.failed.push({ method: method.name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return step;
}

async function lookCost(observer: Observer, { tempDir, signal, plan }: SessionSetting): Promise<GrowthFigure> {
  const intervalMs = plan.growthIntervalMs;
  await using running = await observer.start({ workloadPid: null, tempDir, intervalMs, signal });
  using meter = new MethodMeter(observer, running);
  const first = meter.read();
  await sleepUnless(signal, plan.growthWindowMs);
  const last = meter.read();
  await running.stop();
  const tally = newTally();
  for (const _ of running.seen(tally)) {
    // Reading the sightings counts them in `tally`.
  }
  const usage: CpuUsage | null = running.usage();
  const looks = looksBetween(first, last, usage, tally.listings);
  return { method: observer.name, usPerLook: looks && looks.cpuNs / looks.count / 1000, cpuPct: null };
}

/** An event method that warms up once, and is then measured under the workload at several numbers of processes. */
export class EventGrowth implements AsyncDisposable {
  readonly #observer: Observer;
  readonly #setting: SessionSetting;
  readonly #running: RunningObserver;
  readonly #meter: MethodMeter;

  private constructor(observer: Observer, setting: SessionSetting, running: RunningObserver) {
    this.#observer = observer;
    this.#setting = setting;
    this.#running = running;
    this.#meter = new MethodMeter(observer, running);
  }

  static async start(observer: Observer, setting: SessionSetting): Promise<EventGrowth> {
    const { tempDir, signal } = setting;
    await using warmUp = await WarmUp.prepare(setting);
    const running = await observer.start({ workloadPid: warmUp.pid, tempDir, intervalMs: 0, signal });
    const growth = new EventGrowth(observer, setting, running);
    try {
      await warmUp.run(growth.#meter);
      return growth;
    } catch (error) {
      await growth[Symbol.asyncDispose]();
      throw error;
    }
  }

  async at(sleeping: number): Promise<GrowthFigure> {
    const { signal, plan, options } = this.#setting;
    await using _sleepers = await Sleepers.start(sleeping, signal);
    await using workload = runWorkload({
      mix: [{ program: "true", share: 1 }],
      rate: options.rate,
      durationMs: plan.eventLeadMs + EVENT_WINDOW_MS,
      seed: options.seed,
    });
    await unless(signal, workload.ready);
    await workload.start();
    await sleepUnless(signal, plan.eventLeadMs);
    const before = this.#meter.read();
    await sleepUnless(signal, EVENT_WINDOW_MS);
    const { elapsedNs, cpuNs, kernelNs } = this.#meter.use(before, this.#meter.read());
    const problem = this.#running.problem();
    if (problem !== null) throw new Error(problem);
    return { method: this.#observer.name, usPerLook: null, cpuPct: (100 * (cpuNs + (kernelNs ?? 0))) / elapsedNs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#meter[Symbol.dispose]();
    await this.#running[Symbol.asyncDispose]();
  }
}
