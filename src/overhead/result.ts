import type { HostFacts } from "../doctor/host-facts.ts";
import type { VerdictName } from "../measure/verdict.ts";
import type { Interval } from "../stats/interval.ts";
import type { ExcludablePart } from "./options.ts";
import type { RawRun } from "./raw.ts";

/*
 * The report, as `--json` prints it (`linnix.overhead-test/1`) and as the text and HTML reports read it. `*_cpu_pct` is
 * % of one core, `*_machine_pct` % of all cores. A figure that was not measured is null. An end of an interval that the
 * data do not bound is infinite here and null in JSON.
 */

export interface OverheadReport extends ReportHead, Figures {
  /** Why the run ended early; null if it did not. */
  incomplete: string | null;
  verdict: VerdictName;
  /** The reasons as sentences. Those that decided the verdict come first. */
  reasons: string[];
  /** Parts of the ledger that were not measured or are not judged, and why. */
  left_out: { part: string; why: string }[];
  raw: RawRun;
}

/** The part of a report that is known before anything is measured. */
export interface ReportHead {
  schema: "linnix.overhead-test/1";
  version: string;
  /** RFC 3339, UTC. */
  started: string;
  host: HostFacts;
  /** Its list of pids is empty until it has been started. */
  subject: SubjectFacts;
  options: ReportedOptions;
  threshold_pct: number;
}

export interface SubjectFacts {
  kind: "linnix" | "command" | "pid";
  name: string;
  command: string | null;
  pids: number[];
}

export interface ReportedOptions {
  baseline_s: number;
  duration_s: number;
  interval_s: number;
  profile: string;
  rate: number;
  quick: boolean;
  seed: number;
  /** Parts of the claim that were not judged, if any. */
  without?: readonly ExcludablePart[];
}

/** All figures that are computed from {@link RawRun}. */
export interface Figures {
  baseline: { duration_s: number; system_cpu_pct: number | null; others_machine_pct: number | null } | null;
  /** Causes of noise in the run. */
  noise: NoiseFigures;
  workload: WorkloadFigures | null;
  samples: SampleFigures[];
  collector: CollectorFigures | null;
  in_kernel: InKernelFigures | null;
  total: TotalFigures | null;
  /** Times of single steps, from the hook to the output. */
  timings: TimingFigures;
  memory: MemoryFigures | null;
  events: EventFigures;
  slowdown: SlowdownFigures | null;
  model: ModelFigures | null;
  /** This test's own process under the workload. No other figure includes it. */
  monitor: { avg_cpu_pct: number } | null;
}

export interface NoiseFigures {
  /** This and the next three: over the windows of the workload, or if there are none, of the baseline. */
  steal_machine_pct: number | null;
  cpu_pressure_pct: number | null;
  busy_machine_pct: number | null;
  /** CPU time of all processes except the workload, the subject and this test. */
  others_machine_pct: number | null;
  /** Difference between two unwatched arms, calculated like the slowdown, µs of a bare fork. */
  null_us_ci95: Interval | null;
}

export interface WorkloadFigures {
  rate_asked: number;
  rate_achieved: number;
  spawned: number;
  skipped: number;
  failed: number;
  duration_s: number;
  /** Mean user and system time of one process of the workload. */
  cpu_us_per_process: number | null;
  left_out: string[];
}

export interface SampleFigures {
  /** End of the sample, since the beginning of the run. */
  t_s: number;
  length_s: number;
  /** The subject's processes, user and system time. */
  user_cpu_pct: number | null;
  /** The subject's BPF programs, in the time of the watched processes. */
  kernel_cpu_pct: number | null;
  total_cpu_pct: number | null;
  /** The whole machine. */
  system_cpu_pct: number | null;
  rss_bytes: number | null;
}

export interface CollectorFigures {
  avg_cpu_pct: number;
  ci95: Interval;
  peak_cpu_pct: number;
  p95_cpu_pct: number;
  cpu_ns: number;
  /** `avg_cpu_pct` by mode, roughly; null if the kernel attributed no tick to it. */
  user_mode_cpu_pct: number | null;
  kernel_mode_cpu_pct: number | null;
  wakeups: number | null;
  wakeups_per_second: number | null;
  /** Its start and (`warm_up`) its warm-up, which the averages do not include. */
  load: { elapsed_ms: number; cpu_ms: number | null } | null;
  warm_up: { duration_s: number; avg_cpu_pct: number; spawned: number } | null;
  /**
   * The first seconds of a fresh collector at the workload's rate, from its exec on; null if they were not measured.
   * `avg_cpu_pct` is all its CPU time. For `us_per_process`, the CPU time since it watched minus that of a second
   * collector without work is divided by the processes that only the first one reported; null if there were none.
   */
  cold: { duration_s: number; avg_cpu_pct: number; us_per_process: number | null } | null;
}

export interface InKernelFigures {
  avg_cpu_pct: number;
  run_ns: number;
  runs: number;
  /** `run_ns` divided by all events of these windows; null if the events are not known. */
  ns_per_event: number | null;
  programs: { name: string; runs: number; run_ns: number; ns_per_run: number | null; own: boolean }[];
  /** The cost of counting the runs. `avg_cpu_pct` includes `cpu_pct` of it. */
  statistics: { ns_per_run: number; counted_ns_per_run: number; cpu_pct: number } | null;
}

export interface TotalFigures {
  avg_cpu_pct: number;
  ci95: Interval;
  peak_cpu_pct: number;
  avg_machine_pct: number | null;
  /** The whole cost, idle cost included, divided by the processes that the subject reported. */
  us_per_process: number | null;
}

/** Times of single steps. `not_measured` has the reasons for figures that are null. */
export interface TimingFigures {
  /** Mean run time of the programs of each event. It includes the counting of runs (`in_kernel.statistics`). */
  hook_ns: Record<HookName, number | null>;
  hook_ns_ci95: Record<HookName, Interval | null>;
  /** This and the next five: the median of the batches, and their 5th and 95th percentiles. */
  ring_write_ns: number | null;
  ring_write_ns_p5_p95: Range | null;
  read_ns: number | null;
  read_ns_p5_p95: Range | null;
  json_ns: number | null;
  json_ns_p5_p95: Range | null;
  bytes_per_event: number | null;
  /** The 5th and 95th percentiles of the events. */
  bytes_per_event_p5_p95: Range | null;
  /** At the rate of events under the workload. */
  bytes_per_second: number | null;
  bytes_per_day: number | null;
  /** From the kernel's stamp of an event until its line was seen in the output. */
  kernel_to_output_ms: { p50: number | null; p99: number | null };
  kernel_to_output_ms_p5_p95: Range | null;
  kernel_to_output_lines: number | null;
  /**
   * `ring.flush_interval`: the longest time for which events wait in the rings. `kernel_to_output_ms` is seldom longer.
   * Null if the collector was above its CPU budget, because events wait longer then.
   */
  kernel_to_output_flush_ms: number | null;
  not_measured: { part: string; why: string }[];
}

export type Range = readonly [low: number, high: number];

export type HookName = "fork" | "exec" | "exit";

export interface MemoryFigures {
  rss_avg_bytes: number;
  rss_peak_bytes: number;
  anon_peak_bytes: number;
  file_peak_bytes: number;
  pss_peak_bytes: number | null;
  kernel_bytes: { rings: number; maps: number; programs: number } | null;
}

export interface EventFigures {
  /** Processes of all workloads, those of warm-up, sweep and output phase included. */
  spawned: number;
  captured: number | null;
  capture_pct: number | null;
  received: number | null;
  emitted: number | null;
  lost: number | null;
  suppressed: number | null;
  /** Events a second under the workload: of all processes, and (next field) of those outside the workload. */
  per_second: number | null;
  by_others_per_second: number | null;
}

export interface SlowdownFigures {
  /** The operation whose slowdown `us_per_process` is. */
  operation: string;
  us_per_process: number;
  us_ci95: Interval;
  /** `us_per_process` in % of the mean CPU time of a process of the workload. */
  pct: number | null;
  ci95: Interval | null;
  null_ci95: Interval | null;
  /** Slowdown of a bare fork in % of a bare fork, and (next field) of a spawn in % of a spawn. */
  bare_fork_pct: number | null;
  spawn_pct: number | null;
  null_us_ci95: Interval;
  smallest_detectable_us: number;
  rounds: number;
  metric: string;
  /** Events of the second collector that were lost; null if that is not known. */
  lost: number | null;
  /** One entry for each pair of an operation and a metric (see METRICS in measure/slowdown.ts). */
  operations: OperationSlowdown[];
}

export interface OperationSlowdown {
  operation: string;
  metric: string;
  us: number;
  us_ci95: Interval;
  null_us_ci95: Interval;
  smallest_detectable_us: number;
  operation_us: number;
  pct: number;
  ci95: Interval;
  rounds: number;
}

export interface ModelFigures {
  idle_pct: number;
  idle_ci95: Interval;
  us_per_process: number;
  us_ci95: Interval;
  r2: number;
  windows: number;
  rates: number[];
  processes_per_second_at_threshold: number;
  processes_ci95: Interval;
  environments: { name: string; events_per_day: number; predicted_pct: number; ci95: Interval }[];
}
