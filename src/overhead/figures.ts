import { type CostPoint, fitCostModel, predictEnvironments, processesPerSecondAt } from "../cost/cost-model.ts";
import { type Slowdown, shareOf, slowdownByMetric, slowdownOf } from "../cost/slowdown.ts";
import { type SystemCpuUse, systemCpuUse } from "../cost/system-cpu.ts";
import { bootstrapRatio } from "../stats/bootstrap.ts";
import { type Interval, scale } from "../stats/interval.ts";
import { mean, sum } from "../stats/moments.ts";
import { quantile } from "../stats/quantile.ts";
import type { CountByType } from "../wire/event.ts";
import { EVENTS_PER_PROCESS } from "../workload/profiles.ts";
import type { RawRounds, RawRun, RawWindow } from "./raw.ts";
import type {
  CollectorFigures,
  EventFigures,
  Figures,
  InKernelFigures,
  MemoryFigures,
  ModelFigures,
  NoiseFigures,
  OperationSlowdown,
  SampleFigures,
  SlowdownFigures,
  TotalFigures,
  WorkloadFigures,
} from "./result.ts";

/** A window in which all that the subject costs is known. */
type CostWindow = RawWindow & { cpu_ns: number };

/**
 * Every figure of a report, from what was measured: a pure function of the report's raw part (and of the threshold
 * and the seed of the resampling, which stand in the report as well).
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
    memory: memoryOf(raw, workload),
    events: eventsOf(raw, workload),
    slowdown: slowdownFiguresOf(raw, workloadFigures?.cpu_us_per_process ?? null, seed),
    model: modelOf(raw, thresholdPct),
    monitor: workload.length === 0 ? null : { avg_cpu_pct: corePct(workload, (window) => window.monitor_cpu_ns) },
  };
}

function hasCost(window: RawWindow): window is CostWindow {
  return window.cpu_ns !== null;
}

/** Average over the time that really passed, % of one core. */
function corePct(windows: readonly RawWindow[], ns: (window: RawWindow) => number): number {
  return (100 * sum(windows.map(ns))) / sum(windows.map(({ elapsed_ns }) => elapsed_ns));
}

function windowPct({ elapsed_ns }: RawWindow, ns: number | null): number | null {
  return ns === null ? null : (100 * ns) / elapsed_ns;
}

/** The subject's processes and its programs; null where either is not known. */
function totalNs({ cpu_ns, run_ns }: RawWindow): number | null {
  return cpu_ns === null || run_ns === null ? null : cpu_ns + run_ns;
}

function machineOf(windows: readonly RawWindow[]): SystemCpuUse | null {
  const machines = windows.flatMap(({ machine }) => (machine === null ? [] : [machine]));
  const cpus = machines[0]?.cpus;
  if (cpus === undefined) return null;
  const none = { cpus, userTicks: 0, systemTicks: 0, idleTicks: 0, stealTicks: 0 };
  const all = machines.reduce(
    (total, { userTicks, systemTicks, idleTicks, stealTicks }) => ({
      cpus,
      userTicks: total.userTicks + userTicks,
      systemTicks: total.systemTicks + systemTicks,
      idleTicks: total.idleTicks + idleTicks,
      stealTicks: total.stealTicks + stealTicks,
    }),
    none,
  );
  return systemCpuUse(none, all);
}

function cpusOf(windows: readonly RawWindow[]): number | null {
  return windows.find(({ machine }) => machine !== null)?.machine?.cpus ?? null;
}

function baselineOf(raw: RawRun): Figures["baseline"] {
  const windows = raw.windows.filter(({ phase }) => phase === "baseline");
  if (windows.length === 0) return null;
  const machine = machineOf(windows);
  return {
    duration_s: sum(windows.map(({ elapsed_ns }) => elapsed_ns)) / 1e9,
    system_cpu_pct: machine?.busyCorePct ?? null,
    others_machine_pct: othersMachinePct(windows, 0),
  };
}

/** What is left of the machine's time when this test's own process, the subject and so many ns more are taken off. */
function othersMachinePct(windows: readonly RawWindow[], workloadNs: number): number | null {
  const machine = machineOf(windows);
  const cpus = cpusOf(windows);
  if (machine === null || cpus === null) return null;
  const elapsedNs = sum(windows.map(({ elapsed_ns }) => elapsed_ns));
  const oursNs = sum(windows.map(({ cpu_ns, monitor_cpu_ns }) => (cpu_ns ?? 0) + monitor_cpu_ns)) + workloadNs;
  return Math.max(machine.busyMachinePct - (100 * oursNs) / elapsedNs / cpus, 0);
}

function noiseOf(raw: RawRun, seed: number): NoiseFigures {
  const workload = raw.windows.filter(({ phase }) => phase === "workload");
  const windows = workload.length > 0 ? workload : raw.windows.filter(({ phase }) => phase === "baseline");
  const machine = machineOf(windows);
  const elapsedUs = sum(windows.map(({ elapsed_ns }) => elapsed_ns)) / 1000;
  const pressure = windows.map(({ cpu_pressure_us }) => cpu_pressure_us);
  const run = raw.workloads.find(({ phase }) => phase === "workload");
  // The workload ran for a little longer than it was watched.
  const workloadNs =
    workload.length === 0 || run === undefined || run.duration_s <= 0
      ? 0
      : ((run.children_cpu_us * 1000 + run.spawner_cpu_ns) * elapsedUs) / (run.duration_s * 1e6);
  return {
    steal_machine_pct: machine?.stealMachinePct ?? null,
    cpu_pressure_pct:
      windows.length === 0 || pressure.includes(null) ? null : (100 * sum(pressure.map((us) => us ?? 0))) / elapsedUs,
    busy_machine_pct: machine?.busyMachinePct ?? null,
    others_machine_pct: othersMachinePct(windows, workloadNs),
    null_us_ci95:
      raw.noise === null || raw.noise.rounds.length === 0
        ? null
        : slowdownOf(raw.noise.operation, raw.noise.rounds, { seed }).usCi95,
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

/** One row of the table. */
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

function collectorOf(raw: RawRun, costs: readonly CostWindow[], seed: number): CollectorFigures | null {
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

function inKernelOf(raw: RawRun, workload: readonly RawWindow[]): InKernelFigures | null {
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

function knownSum(values: readonly (number | null)[]): number | null {
  return values.includes(null) ? null : sum(values.map((value) => value ?? 0));
}

function totalOf(costs: readonly CostWindow[], seed: number): TotalFigures | null {
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

/** Processes of the whole machine that the subject told of, where that is known, else those of the workload. */
function processesIn({ events, spawned }: RawWindow): number {
  return events === null ? spawned : events / EVENTS_PER_PROCESS;
}

function memoryOf(raw: RawRun, workload: readonly RawWindow[]): MemoryFigures | null {
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

function eventsOf(raw: RawRun, workload: readonly RawWindow[]): EventFigures {
  const { capture, counts } = raw;
  const all = (by: CountByType | undefined): number | null => (by === undefined ? null : by.fork + by.exec + by.exit);
  const events = knownSum(workload.map((window) => window.events));
  const elapsedS = sum(workload.map(({ elapsed_ns }) => elapsed_ns)) / 1e9;
  return {
    spawned: sum(raw.workloads.map(({ spawned }) => spawned)),
    captured: capture?.captured ?? null,
    capture_pct: capture === null || capture.spawned === 0 ? null : (100 * capture.captured) / capture.spawned,
    received: all(counts?.received),
    emitted: all(counts?.emitted),
    lost: counts?.lost ?? null,
    suppressed: all(counts?.suppressed),
    per_second: events === null || workload.length === 0 ? null : events / elapsedS,
  };
}

/** A spawn with exec stands for a process where it was measured, else a bare fork does. */
const STANDS_FOR_A_PROCESS = ["spawn", "bare-fork"];

function slowdownFiguresOf(raw: RawRun, processUs: number | null, seed: number): SlowdownFigures | null {
  const measured = raw.slowdown.filter(({ rounds }) => rounds.length > 0);
  const main = STANDS_FOR_A_PROCESS.map((name) => measured.find(({ operation }) => operation === name)).find(Boolean);
  if (main === undefined) return null;
  const slowdown = slowdownOf(main.operation, main.rounds, { seed });
  const share = processUs === null || processUs === 0 ? null : shareOf(slowdown, processUs);
  const nullUs = { us: slowdown.nullUs, usCi95: slowdown.nullUsCi95 };
  const ownPct = (name: string): number | null => {
    const rounds = measured.find(({ operation }) => operation === name)?.rounds;
    return rounds === undefined ? null : slowdownOf(name, rounds, { seed }).pct;
  };
  return {
    operation: slowdown.operation,
    us_per_process: slowdown.us,
    us_ci95: slowdown.usCi95,
    pct: share?.pct ?? null,
    ci95: share?.ci95 ?? null,
    null_ci95: processUs === null || processUs === 0 ? null : shareOf(nullUs, processUs).ci95,
    bare_fork_pct: ownPct("bare-fork"),
    spawn_pct: ownPct("spawn"),
    null_us_ci95: slowdown.nullUsCi95,
    smallest_detectable_us: slowdown.smallestDetectableUs,
    rounds: slowdown.rounds,
    metric: slowdown.metric,
    lost: raw.slowdown_counts?.lost ?? null,
    operations: measured.flatMap((rounds) => operationsOf(rounds, seed)),
  };
}

function operationsOf({ operation, rounds }: RawRounds, seed: number): OperationSlowdown[] {
  return slowdownByMetric(operation, rounds, seed).map(
    (each: Slowdown): OperationSlowdown => ({
      operation: each.operation,
      metric: each.metric,
      us: each.us,
      us_ci95: each.usCi95,
      null_us_ci95: each.nullUsCi95,
      smallest_detectable_us: each.smallestDetectableUs,
      operation_us: each.operationUs,
      pct: each.pct,
      ci95: each.ci95,
      rounds: each.rounds,
    }),
  );
}

function modelOf(raw: RawRun, thresholdPct: number): ModelFigures | null {
  const points = modelPoints(raw);
  const model = fitCostModel(points);
  if (model === null) return null;
  const limit = processesPerSecondAt(model, thresholdPct);
  return {
    idle_pct: model.idlePct,
    idle_ci95: model.idlePctCi95,
    us_per_process: model.usPerProcess,
    us_ci95: model.usPerProcessCi95,
    r2: model.r2,
    windows: model.points,
    rates: [
      ...new Set(
        raw.windows.flatMap(({ phase, rate }) =>
          (phase === "workload" || phase === "sweep") && rate !== null ? [rate] : [],
        ),
      ),
    ].sort((a, b) => a - b),
    processes_per_second_at_threshold: limit.processesPerSecond,
    processes_ci95: limit.ci95,
    environments: predictEnvironments(model).map(({ name, eventsPerDay, predictedPct, ci95 }) => ({
      name,
      events_per_day: eventsPerDay,
      predicted_pct: predictedPct,
      ci95,
    })),
  };
}

/** The windows of workload and sweep as points of the model; the workload's are put together to the sweep's length. */
export function modelPoints(raw: Pick<RawRun, "windows">): CostPoint[] {
  const sweep = raw.windows.filter(({ phase }) => phase === "sweep");
  const workload = raw.windows.filter(({ phase }) => phase === "workload");
  const lengthNs = sweep.length === 0 ? 0 : mean(sweep.map(({ elapsed_ns }) => elapsed_ns));
  return [...merged(workload, lengthNs), ...sweep.map((window) => [window])].flatMap((group): CostPoint[] => {
    const ns = group.map(totalNs);
    if (ns.includes(null)) return [];
    const elapsedS = sum(group.map(({ elapsed_ns }) => elapsed_ns)) / 1e9;
    return [
      {
        processesPerSecond: sum(group.map(processesIn)) / elapsedS,
        cpuPct: sum(ns.map((each) => each ?? 0)) / elapsedS / 1e7,
        durationS: elapsedS,
      },
    ];
  });
}

/** Neighbours put together until they are (nearly) as long; a rest that is shorter is left with the last. */
function merged(windows: readonly RawWindow[], lengthNs: number): RawWindow[][] {
  const groups: RawWindow[][] = [];
  let group: RawWindow[] = [];
  for (const window of windows) {
    group.push(window);
    if (sum(group.map(({ elapsed_ns }) => elapsed_ns)) >= 0.9 * lengthNs) {
      groups.push(group);
      group = [];
    }
  }
  if (group.length > 0) {
    const last = groups.at(-1);
    if (last === undefined) groups.push(group);
    else last.push(...group);
  }
  return groups;
}
