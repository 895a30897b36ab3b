import type { KernelMemory } from "../bpf/bpf-memory.ts";
import type { RunTimeStatsPrice } from "../bpf/bpf-stats-price.ts";
import type { SlowdownRound } from "../measure/slowdown.ts";
import type { SystemCpu } from "../procfs/system-cpu.ts";
import type { CountByType } from "../wire/event.ts";
import type { CaptureCount, OutputSize } from "./capture.ts";
import type { Batch } from "./steps/batches.ts";

/*
 * The measured data, as `raw` of a report: plain JSON, from which figures.ts computes all figures. Cumulative counters
 * appear as their differences over a window.
 */

export interface RawRun {
  windows: RawWindow[];
  /** Runs of each BPF program of the subject in the windows of the workload; null without statistics of the kernel. */
  programs: RawProgram[] | null;
  /** The cost of counting the runs of BPF programs; null if it could not be measured. */
  statistics_price: RunTimeStatsPrice | null;
  /** From the subject's start until it watched; null if the test did not start it. */
  load: { elapsed_ns: number; cpu_ns: number | null } | null;
  /** Two fresh collectors; null if none was measured. */
  cold: RawCold | null;
  kernel_memory: KernelMemory | null;
  workloads: RawWorkload[];
  /** The processes of the workloads in the subject's output; null if its output is not read. */
  capture: CaptureCount | null;
  /** Lengths of the lines of events in the subject's output; null if there are none, or the output is not read. */
  output: OutputSize | null;
  /** The subject's own counts over its whole run; null if its output has no summary, or is not read. */
  counts: RawCounts | null;
  /** Rounds in which nothing was switched: the effect of noise alone. */
  noise: RawRounds | null;
  slowdown: RawRounds[];
  /** The own counts of the second collector, which runs during the slowdown rounds. */
  slowdown_counts: RawCounts | null;
  /** Writes of records to a ring. `without_ns`: the same loop without the write. */
  ring_write: RawBatches | NotMeasured;
  /** Reading and encoding of records. `without_ns`: reading only. */
  reading: RawBatches | NotMeasured;
  /** Delays from events to their lines in the subject's output. */
  output_delay: RawOutputDelay | NotMeasured;
}

/** Stands in the place of data that could not be measured. Its value is the reason. */
export interface NotMeasured {
  not_measured: string;
}

export interface RawBatches {
  /** Records of a batch. */
  items: number;
  /** Length of each record; null: they differ. */
  bytes: number | null;
  batches: Batch[];
}

export interface RawOutputDelay {
  /** Lines of events that happened while the output was followed. */
  lines: number;
  /** Of these, lines that were not in the file at the last look: their delays are lower bounds. */
  unseen: number;
  /** How long the subject gathers events before it reads them; null: longer, because it was above its CPU budget. */
  flush_ms: number | null;
  /** In ascending order; quantiles in even steps if there are many lines. */
  delays_us: number[];
}

/** Fresh collectors from their exec on: one under the workload, one with nothing to do. */
export interface RawCold {
  /** Requested spawns a second. */
  rate: number;
  loaded: RawColdStart;
  idle: RawColdStart;
}

export interface RawColdStart {
  /** From its exec until its clock was read. */
  elapsed_ns: number;
  /** Its CPU time until it watched, and (`cpu_ns`) until its clock was read. */
  start_cpu_ns: number;
  cpu_ns: number;
  /** Processes that the workload made in this time. */
  spawned: number;
  /** Events in its output, those of other processes included. */
  events: number;
}

export type WindowPhase = "baseline" | "warm-up" | "workload" | "sweep";

/** A period between two readings of all clocks. */
export interface RawWindow {
  phase: WindowPhase;
  /** Requested spawns a second; null in the baseline. */
  rate: number | null;
  /** Begin and end of the window, since the beginning of the run. */
  from_s: number;
  to_s: number;
  elapsed_ns: number;
  /** CPU time of the subject's processes; null in the baseline, or if it could not be read. */
  cpu_ns: number | null;
  /**
   * CPU time by mode, which the kernel samples at its ticks, so only the ratio is useful. Both are 0 for a command and
   * for running processes.
   */
  user_ns: number | null;
  system_ns: number | null;
  /** Time in the subject's BPF programs that run in the time of other processes; null without statistics. */
  run_ns: number | null;
  runs: number | null;
  /** Time in BPF programs that the subject itself calls (iterators). `cpu_ns` includes it. */
  own_run_ns: number | null;
  /** Runs of each program in this window; null without statistics of the kernel. */
  programs: RawProgram[] | null;
  /** Voluntary context switches of the collector's threads; null for other subjects. */
  wakeups: number | null;
  memory: RawMemory | null;
  /** The machine's CPU time, in ticks of 10 ms. */
  machine: SystemCpu | null;
  /** Time in which at least one task waited for a processor; null if the kernel does not report it. */
  cpu_pressure_us: number | null;
  /** CPU time of this test's own process. */
  monitor_cpu_ns: number;
  /** Processes that the workload made. */
  spawned: number;
  /** Events of this window in the subject's output; null if the output is not read. */
  events: number | null;
}

/** Memory of the subject's processes at the end of a window. */
export interface RawMemory {
  rss_bytes: number;
  pss_bytes: number | null;
  anon_bytes: number;
  file_bytes: number;
}

export interface RawProgram {
  id: number;
  name: string;
  runs: number;
  run_ns: number;
  /** Whether the subject calls it itself, so that its time is part of the subject's CPU time. */
  own: boolean;
}

export interface RawWorkload {
  phase: Exclude<WindowPhase, "baseline"> | "output";
  rate_asked: number;
  rate_achieved: number;
  duration_s: number;
  spawned: number;
  /** Skipped slots of the requested rate, and (`failed`) failed spawns. */
  skipped: number;
  failed: number;
  /** User and system time of its processes. */
  children_cpu_us: number;
  /** CPU time of the spawner process. */
  spawner_cpu_ns: number;
  /** Programs of the mix that are not installed. */
  left_out: string[];
}

export interface RawCounts {
  duration_s: number;
  backend: string;
  missing_fields: string[];
  emitted: CountByType;
  received: CountByType;
  suppressed: CountByType;
  /** Events that the level of detail put into a `process` or `totals` line. */
  folded: CountByType;
  lost: number;
}

export interface RawRounds {
  operation: string;
  seed: number;
  repetitions: number;
  warmup: number;
  rounds: SlowdownRound[];
}
