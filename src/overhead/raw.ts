import type { KernelMemory } from "../bpf/bpf-memory.ts";
import type { RunTimeStatsPrice } from "../bpf/bpf-stats-price.ts";
import type { SlowdownRound } from "../measure/slowdown.ts";
import type { SystemCpu } from "../procfs/system-cpu.ts";
import type { CountByType } from "../wire/event.ts";
import type { CaptureCount, OutputSize } from "./capture.ts";
import type { Batch } from "./steps/batches.ts";

/*
 * The measured data, as `raw` of a report: plain JSON, from which figures.ts computes all figures. Cumulative counters are
 * given as their differences over a window.
 */

export interface RawRun {
  windows: RawWindow[];
  /** What each BPF program of the subject ran in the windows of the workload; null if the kernel gave no statistics. */
  programs: RawProgram[] | null;
  /** What counting the runs of BPF programs costs; null if it could not be measured. */
  statistics_price: RunTimeStatsPrice | null;
  /** From the subject's start until it was watching. */
  load: { elapsed_ns: number; cpu_ns: number | null } | null;
  /** Two fresh collectors; null if none was measured. */
  cold: RawCold | null;
  kernel_memory: KernelMemory | null;
  workloads: RawWorkload[];
  /** What the subject's own output holds of the workloads' processes. */
  capture: CaptureCount | null;
  /** Lines of events in the subject's output, by their length in bytes; null if that is not read. */
  output: OutputSize | null;
  /** The subject's own count over its whole run. */
  counts: RawCounts | null;
  /** Rounds in which nothing was switched: the effect of noise alone. */
  noise: RawRounds | null;
  slowdown: RawRounds[];
  /** The same count of the collector that the slowdown was measured with. */
  slowdown_counts: RawCounts | null;
  /** Writes to a ring; without the step: all but the write. */
  ring_write: RawBatches | NotMeasured;
  /** Records that are read and encoded; without the step: only read. */
  reading: RawBatches | NotMeasured;
  /** From an event to its line in the subject's output. */
  output_delay: RawOutputDelay | NotMeasured;
}

/** In the place of what could not be measured. */
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
  /** Of these, lines that came after the last look: at least so late. */
  unseen: number;
  /** How long the subject gathers events before it reads them; null: above its CPU budget, it gathers them for longer. */
  flush_ms: number | null;
  /** In ascending order; quantiles in even steps if there are many lines. */
  delays_us: number[];
}

/** Fresh collectors from their exec on: one under the workload, one with nothing to do. */
export interface RawCold {
  /** Spawns a second that were asked for. */
  rate: number;
  loaded: RawColdStart;
  idle: RawColdStart;
}

export interface RawColdStart {
  /** From its exec until its clock was read. */
  elapsed_ns: number;
  /** Its CPU time until it was watching, and until its clock was read. */
  start_cpu_ns: number;
  cpu_ns: number;
  /** Processes that the workload made meanwhile. */
  spawned: number;
  /** Events in its output, those of others too. */
  events: number;
}

export type WindowPhase = "baseline" | "warm-up" | "workload" | "sweep";

/** A period between two readings of all clocks. */
export interface RawWindow {
  phase: WindowPhase;
  /** Spawns a second that were asked for; null: no workload was meant to run. */
  rate: number | null;
  /** Since the beginning of the run. */
  from_s: number;
  to_s: number;
  elapsed_ns: number;
  /** CPU time of the subject's processes; null in the baseline, or where it could not be read. */
  cpu_ns: number | null;
  /** The same as the kernel samples the mode at its ticks; only the ratio is of use. */
  user_ns: number | null;
  system_ns: number | null;
  /** Time in the subject's BPF programs that run on behalf of others. */
  run_ns: number | null;
  runs: number | null;
  /** Time in BPF programs that the subject itself calls (iterators): part of `cpu_ns` already. */
  own_run_ns: number | null;
  /** What each program ran in this window; null if the kernel gave no statistics. */
  programs: RawProgram[] | null;
  /** Voluntary context switches of the subject's threads; null for a tree of processes. */
  wakeups: number | null;
  memory: RawMemory | null;
  /** The machine's CPU time, in ticks of 10 ms. */
  machine: SystemCpu | null;
  /** Time in which a task waited for a processor. */
  cpu_pressure_us: number | null;
  /** CPU time of this test's own process. */
  monitor_cpu_ns: number;
  /** Processes that the workload made. */
  spawned: number;
  /** Events in the subject's output that happened in this window; null if that is not read. */
  events: number | null;
}

/** At the end of a window. */
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
  /** Called by the subject itself: its time is part of the subject's CPU time. */
  own: boolean;
}

export interface RawWorkload {
  phase: Exclude<WindowPhase, "baseline"> | "output";
  rate_asked: number;
  rate_achieved: number;
  duration_s: number;
  spawned: number;
  /** Slots of the requested rate that were skipped, and processes that could not be made. */
  skipped: number;
  failed: number;
  /** User and system time of its processes. */
  children_cpu_us: number;
  /** CPU time of the process that made them. */
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
