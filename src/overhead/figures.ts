import { sum } from "../stats/moments.ts";
import type { CountByType } from "../wire/event.ts";
import { EVENTS_PER_PROCESS } from "../workload/profiles.ts";
import { collectorOf, inKernelOf, memoryOf, totalOf } from "./cost-figures.ts";
import { modelOf } from "./model-figures.ts";
import { baselineOf, noiseOf } from "./noise-figures.ts";
import type { RawRun, RawWindow } from "./raw.ts";
import type { EventFigures, Figures, SampleFigures, WorkloadFigures } from "./result.ts";
import { slowdownFiguresOf } from "./slowdown-figures.ts";
import { timingsOf } from "./timing-figures.ts";
import { corePct, hasCost, knownSum, machineOf, totalNs, windowPct } from "./windows.ts";

/**
 * Computes every figure of a report. It is a pure function of `raw`, the threshold and the seed of the resampling, and
 * the report has all three.
 */
export function figuresOf(raw: RawRun, { thresholdPct, seed }: { thresholdPct: number; seed: number }): Figures {
  const workload = raw.windows.filter(({ phase }) => phase === "workload");
  const costs = workload.filter(hasCost);
  const workloadFigures = workloadOf(raw);
  return {
    baseline: baselineOf(raw),
    noise: noiseOf(raw, seed),
    workload: workloadFigures,
    samples: workload.map(sampleOf),
    collector: collectorOf(raw, costs, seed),
    in_kernel: inKernelOf(raw, workload),
    total: totalOf(costs, seed),
    timings: timingsOf(raw, workload, seed),
    memory: memoryOf(raw, workload),
    events: eventsOf(raw, workload),
    slowdown: slowdownFiguresOf(raw, workloadFigures?.cpu_us_per_process ?? null, seed),
    model: modelOf(raw, thresholdPct),
    monitor: workload.length === 0 ? null : { avg_cpu_pct: corePct(workload, (window) => window.monitor_cpu_ns) },
  };
}

function workloadOf(raw: RawRun): WorkloadFigures | null {
  const run = raw.workloads.find(({ phase }) => phase === "workload");
  if (run === undefined) return null;
  return {
    rate_asked: run.rate_asked,
    rate_achieved: run.rate_achieved,
    spawned: run.spawned,
    skipped: run.skipped,
    failed: run.failed,
    duration_s: run.duration_s,
    cpu_us_per_process: run.spawned === 0 ? null : run.children_cpu_us / run.spawned,
    left_out: run.left_out,
  };
}

/** One row of the table of samples. */
export function sampleOf(window: RawWindow): SampleFigures {
  return {
    t_s: window.to_s,
    length_s: window.elapsed_ns / 1e9,
    user_cpu_pct: windowPct(window, window.cpu_ns),
    kernel_cpu_pct: windowPct(window, window.run_ns),
    total_cpu_pct: windowPct(window, totalNs(window)),
    system_cpu_pct: machineOf([window])?.busyCorePct ?? null,
    rss_bytes: window.memory?.rss_bytes ?? null,
  };
}

function eventsOf(raw: RawRun, workload: readonly RawWindow[]): EventFigures {
  const { capture, counts } = raw;
  const all = (by: CountByType | undefined): number | null => (by === undefined ? null : by.fork + by.exec + by.exit);
  const events = knownSum(workload.map((window) => window.events));
  const elapsedS = sum(workload.map(({ elapsed_ns }) => elapsed_ns)) / 1e9;
  const spawned = sum(workload.map((window) => window.spawned));
  return {
    spawned: sum(raw.workloads.map(({ spawned }) => spawned)),
    captured: capture?.captured ?? null,
    capture_pct: capture === null || capture.spawned === 0 ? null : (100 * capture.captured) / capture.spawned,
    received: all(counts?.received),
    emitted: all(counts?.emitted),
    lost: counts?.lost ?? null,
    suppressed: all(counts?.suppressed),
    per_second: events === null || workload.length === 0 ? null : events / elapsedS,
    by_others_per_second:
      events === null || workload.length === 0 ? null : Math.max(events - EVENTS_PER_PROCESS * spawned, 0) / elapsedS,
  };
}
