import { bootstrapRatio } from "../stats/bootstrap.ts";
import { type Interval, scale } from "../stats/interval.ts";
import { mean, sum } from "../stats/moments.ts";
import { quantile } from "../stats/quantile.ts";
import { EVENTS_PER_PROCESS } from "../workload/profiles.ts";
import type { RawColdStart, RawRun, RawWindow } from "./raw.ts";
import type { CollectorFigures, InKernelFigures, MemoryFigures, TotalFigures } from "./result.ts";
import { type CostWindow, corePct, cpusOf, hasCost, knownSum, processesIn, totalNs } from "./windows.ts";

/** Figures of the subject's processes; null without a window in which their CPU time is known. */
export function collectorOf(raw: RawRun, costs: readonly CostWindow[], seed: number): CollectorFigures | null {
  if (costs.length === 0) return null;
  const average = ratioPct(costs, ({ cpu_ns }) => cpu_ns, seed);
  const pcts = costs.map(({ cpu_ns, elapsed_ns }) => (100 * cpu_ns) / elapsed_ns);
  const userNs = sum(costs.map(({ user_ns }) => user_ns ?? 0));
  const systemNs = sum(costs.map(({ system_ns }) => system_ns ?? 0));
  const share = userNs + systemNs > 0 ? userNs / (userNs + systemNs) : null;
  const wakeups = costs.map((window) => window.wakeups);
  const woken = wakeups.includes(null) ? null : sum(wakeups.map((count) => count ?? 0));
  const elapsedS = sum(costs.map(({ elapsed_ns }) => elapsed_ns)) / 1e9;
  return {
    avg_cpu_pct: average.value,
    ci95: average.interval,
    peak_cpu_pct: Math.max(...pcts),
    p95_cpu_pct: quantile(pcts, 0.95),
    cpu_ns: sum(costs.map(({ cpu_ns }) => cpu_ns)),
    user_mode_cpu_pct: share === null ? null : average.value * share,
    kernel_mode_cpu_pct: share === null ? null : average.value * (1 - share),
    wakeups: woken,
    wakeups_per_second: woken === null ? null : woken / elapsedS,
    load: raw.load && {
      elapsed_ms: raw.load.elapsed_ns / 1e6,
      cpu_ms: raw.load.cpu_ns === null ? null : raw.load.cpu_ns / 1e6,
    },
    warm_up: warmUpOf(raw),
    cold: coldOf(raw),
  };
}

function warmUpOf(raw: RawRun): CollectorFigures["warm_up"] {
  const windows = raw.windows.filter(({ phase }) => phase === "warm-up").filter(hasCost);
  if (windows.length === 0) return null;
  return {
    duration_s: sum(windows.map(({ elapsed_ns }) => elapsed_ns)) / 1e9,
    avg_cpu_pct: corePct(windows, ({ cpu_ns }) => cpu_ns ?? 0),
    spawned: sum(windows.map(({ spawned }) => spawned)),
  };
}

function coldOf({ cold }: RawRun): CollectorFigures["cold"] {
  if (cold === null) return null;
  const { loaded, idle } = cold;
  const sinceWatchingNs = ({ cpu_ns, start_cpu_ns }: RawColdStart): number => cpu_ns - start_cpu_ns;
  // Both collectors also reported processes outside the workload. The difference of the costs and of the events removes
  // these processes.
  const processes = (loaded.events - idle.events) / EVENTS_PER_PROCESS;
  return {
    duration_s: loaded.elapsed_ns / 1e9,
    avg_cpu_pct: (100 * loaded.cpu_ns) / loaded.elapsed_ns,
    us_per_process: processes > 0 ? (sinceWatchingNs(loaded) - sinceWatchingNs(idle)) / 1000 / processes : null,
  };
}

/** A ratio of sums over windows, % of one core, with its interval. */
function ratioPct<W extends RawWindow>(
  windows: readonly W[],
  ns: (window: W) => number,
  seed: number,
): { value: number; interval: Interval } {
  const { value, interval } = bootstrapRatio(
    windows.map(ns),
    windows.map(({ elapsed_ns }) => elapsed_ns),
    { seed },
  );
  return { value: 100 * value, interval: scale(interval, 100) };
}

/** Figures of the subject's BPF programs; null if the kernel did not count their time. */
export function inKernelOf(raw: RawRun, workload: readonly RawWindow[]): InKernelFigures | null {
  const counted = workload.filter(({ run_ns }) => run_ns !== null);
  if (raw.programs === null || counted.length === 0) return null;
  const runNs = sum(counted.map(({ run_ns }) => run_ns ?? 0));
  const runs = sum(counted.map((window) => window.runs ?? 0));
  const elapsedNs = sum(counted.map(({ elapsed_ns }) => elapsed_ns));
  const events = knownSum(counted.map((window) => window.events));
  const price = raw.statistics_price;
  return {
    avg_cpu_pct: (100 * runNs) / elapsedNs,
    run_ns: runNs,
    runs,
    ns_per_event: events === null || events === 0 ? null : runNs / events,
    programs: raw.programs.map(({ name, runs: each, run_ns, own }) => ({
      name,
      runs: each,
      run_ns,
      ns_per_run: each === 0 ? null : run_ns / each,
      own,
    })),
    statistics: price && {
      ns_per_run: price.nsPerRun,
      counted_ns_per_run: price.countedNsPerRun,
      cpu_pct: (100 * runs * price.countedNsPerRun) / elapsedNs,
    },
  };
}

/** The subject's processes and BPF programs together; null if the time of the programs is not known. */
export function totalOf(costs: readonly CostWindow[], seed: number): TotalFigures | null {
  const whole = costs.filter(({ run_ns }) => run_ns !== null);
  if (whole.length === 0) return null;
  const ns = (window: CostWindow): number => totalNs(window) ?? 0;
  const { value, interval } = ratioPct(whole, ns, seed);
  const cpus = cpusOf(whole);
  const processes = sum(whole.map(processesIn));
  return {
    avg_cpu_pct: value,
    ci95: interval,
    peak_cpu_pct: Math.max(...whole.map((window) => (100 * ns(window)) / window.elapsed_ns)),
    avg_machine_pct: cpus === null ? null : value / cpus,
    us_per_process: processes === 0 ? null : sum(whole.map(ns)) / 1000 / processes,
  };
}

/** Memory of the subject, and kernel memory that is allocated for it. */
export function memoryOf(raw: RawRun, workload: readonly RawWindow[]): MemoryFigures | null {
  const memories = workload.flatMap(({ memory }) => (memory === null ? [] : [memory]));
  if (memories.length === 0) return null;
  const most = (values: number[]): number => Math.max(...values);
  const pss = memories.map(({ pss_bytes }) => pss_bytes);
  const kernel = raw.kernel_memory;
  return {
    rss_avg_bytes: mean(memories.map(({ rss_bytes }) => rss_bytes)),
    rss_peak_bytes: most(memories.map(({ rss_bytes }) => rss_bytes)),
    anon_peak_bytes: most(memories.map(({ anon_bytes }) => anon_bytes)),
    file_peak_bytes: most(memories.map(({ file_bytes }) => file_bytes)),
    pss_peak_bytes: pss.includes(null) ? null : most(pss.map((bytes) => bytes ?? 0)),
    kernel_bytes: kernel && { rings: kernel.ringBytes, maps: kernel.mapBytes, programs: kernel.programBytes },
  };
}
