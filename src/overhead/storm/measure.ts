import { boottimeNs } from "../../sys/clock.ts";
import { runWorkload } from "../../workload/run-workload.ts";
import type { WorkloadResult } from "../../workload/workload-result.ts";
import type { RunningCollector } from "../collector-subject.ts";
import type { StormCgroups } from "./cgroups.ts";
import { CpuLog, type CpuLook } from "./cpu-log.ts";
import { KernelTime } from "./kernel-time.ts";
import { StormLoops, type StormTools } from "./loops.ts";
import { NEIGHBOUR_MIX, type StormOptions } from "./options.ts";

export type StormPhase = "start" | "warm-up" | "storm" | "after";

/** A moment by both clocks: ns since this process's start, and CLOCK_BOOTTIME. */
interface Moment {
  atNs: number;
  boottimeNs: number;
}

/** The measured data of a run, before the output is read. */
export interface StormRaw {
  looks: readonly CpuLook[];
  warmUp: { from: Moment; to: Moment };
  /** Null if the run did not reach the storm. `runNs`: time in the collector's BPF programs; null if not counted. */
  storm: { from: Moment; to: Moment; runNs: number | null } | null;
  after: { from: Moment; to: Moment } | null;
  neighbour: WorkloadResult;
}

export interface MeasureParts {
  options: StormOptions;
  cgroups: StormCgroups;
  tools: StormTools;
  collector: RunningCollector;
  onPhase: (phase: StormPhase) => void;
  signal: AbortSignal;
}

/** The neighbour's workload is longer than all phases by this, ms. It is stopped at the end of the last phase. */
const SLACK_MS = 120_000;

/** Measures the neighbour alone, then beside the storm, then alone again. An abort ends it early. */
export async function measureStorm(parts: MeasureParts): Promise<StormRaw> {
  const { options, cgroups, collector, onPhase, signal } = parts;
  const { rate, seed, warmUpMs, stormMs, afterMs } = options;
  const durationMs = warmUpMs + stormMs + afterMs + SLACK_MS;
  await using neighbour = runWorkload({ mix: NEIGHBOUR_MIX, rate, seed, durationMs });
  const { spawnerPid } = await neighbour.ready;
  cgroups.addNeighbour(spawnerPid);
  const [pid = 0] = collector.roots;
  const cpu = new CpuLog(pid);
  const during = async (ms: number) => {
    const from = moment(cpu);
    await cpu.during(ms, signal, () => collector.problem() === null);
    return { from, to: moment(cpu) };
  };
  const goesOn = (): boolean => !signal.aborted && collector.problem() === null;

  onPhase("warm-up");
  await neighbour.start();
  const warmUp = await during(warmUpMs);
  let storm: StormRaw["storm"] = null;
  if (goesOn()) {
    onPhase("storm");
    using kernel = new KernelTime(pid);
    await using loops = await StormLoops.open(options.loops, parts.tools, cgroups);
    kernel.begin();
    const from = moment(cpu);
    await loops.start();
    await during(stormMs);
    await cgroups.killStorm();
    kernel.end();
    storm = { from, to: moment(cpu), runNs: kernel.runNs };
  }
  let after: StormRaw["after"] = null;
  if (goesOn()) {
    onPhase("after");
    after = await during(afterMs);
  }
  return { looks: cpu.looks, warmUp, storm, after, neighbour: await neighbour.stop() };
}

function moment(cpu: CpuLog): Moment {
  return { atNs: cpu.look(), boottimeNs: boottimeNs() };
}
