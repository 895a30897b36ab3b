import type { ExitUsage, Observer } from "../observers/observer.ts";
import { newTally } from "../observers/observer.ts";
import { runWorkload } from "../workload/run-workload.ts";
import { looksBetween } from "./looks.ts";
import { MethodMeter } from "./method-meter.ts";
import type { SessionSetting } from "./session-setting.ts";
import { processCount, Sleepers } from "./sleepers.ts";
import { sleepUnless, unless } from "./stop.ts";
import { WarmUp } from "./warm-up.ts";

/** The methods whose cost is measured at several numbers of processes, where they are to be had. */
export const GROWING: readonly string[] = ["ps", "top", "proc-scan", "task-iterator", "linnix"];

/** How long the workload runs before the clocks are read, ms. */
const LEAD_MS = 1000;

/** What one method costs among a number of processes. */
export interface GrowthFigure {
  method: string;
  /** Methods that poll: processor time of a look, µs. */
  usPerLook: number | null;
  /** Methods that are told by the kernel: % of one core at the workload's rate. */
  cpuPct: number | null;
}

/** A number of processes, and what each method costs there. */
export interface GrowthStep {
  sleeping: number;
  /** On the machine in all, as the methods found it. */
  processes: number;
  figures: GrowthFigure[];
  /** Methods that gave none, and why. */
  failed: { method: string; reason: string }[];
}

/** Has each method look at the machine while so many processes more sleep on it. */
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
      step.figures.push(await (method.kind === "polling" ? lookCost(method, setting) : toldCost(method, setting)));
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
    // Only counted.
  }
  const usage: ExitUsage | null = running.usage();
  const looks = looksBetween(first, last, usage, tally.listings);
  return { method: observer.name, usPerLook: looks && looks.cpuNs / looks.count / 1000, cpuPct: null };
}

async function toldCost(observer: Observer, setting: SessionSetting): Promise<GrowthFigure> {
  const { tempDir, signal, plan, options } = setting;
  await using workload = runWorkload({
    mix: [{ program: "true", share: 1 }],
    rate: options.rate,
    durationMs: LEAD_MS + plan.growthWindowMs,
    seed: options.seed,
  });
  const { spawnerPid } = await unless(signal, workload.ready);
  await using warmUp = await WarmUp.prepare(setting);
  await using running = await observer.start({ workloadPid: spawnerPid, tempDir, intervalMs: 0, signal });
  using meter = new MethodMeter(observer, running);
  await warmUp.run();
  await workload.start();
  await sleepUnless(signal, LEAD_MS);
  const before = meter.read();
  await sleepUnless(signal, plan.growthWindowMs);
  const { elapsedNs, cpuNs, kernelNs } = meter.use(before, meter.read());
  await running.stop();
  return { method: observer.name, usPerLook: null, cpuPct: (100 * (cpuNs + (kernelNs ?? 0))) / elapsedNs };
}
