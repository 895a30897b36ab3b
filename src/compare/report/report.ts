import type { HostFacts } from "../../doctor/host-facts.ts";
import type { Reported } from "../../observers/observer.ts";

/** The report of `compare-with-polling`, in the form of its JSON. A null figure was not or cannot be measured. */
export interface CompareReport {
  schema: "linnix.compare/1";
  version: string;
  started: string;
  duration_s: number;
  /** False if the run was interrupted. The report then has the figures so far. */
  complete: boolean;
  interrupted_by: string | null;
  host: HostFacts;
  options: CompareReportOptions;
  workload: {
    spawned: number;
    rate_asked: number;
    rate_achieved: number | null;
    lifetimes_ms: number[];
    /** Median of the real lifetimes for each requested lifetime. `lifetime_ms` null: the ordinary mix. */
    lived_ms: { lifetime_ms: number | null; median_ms: number }[];
    /** Tasks that other programs started meanwhile. Methods that watch the whole machine paid for them as well. */
    others_per_second: number | null;
    /** Share of the processes that belong to the ordinary mix, 0 to 1. */
    ordinary_share: number;
  };
  take_home: string;
  rows: CompareRow[];
  frontier: FrontierRow[];
  growth: GrowthReport;
  notes: string[];
}

export interface CompareReportOptions {
  methods: string[];
  interval_ms: number;
  rate: number;
  duration_ms_per_method: number;
  rounds: number;
  lifetimes: { lifetime_ms: number; share: number }[];
  processes: number[];
  quick: boolean;
  force_audit: boolean;
  seed: number;
}

/** The result of a method. Percentages of CPU time are of one core. */
export interface CompareRow {
  method: string;
  kind: "polling" | "events";
  available: boolean;
  /** Why the method is not available, or why figures are missing. */
  reason: string | null;
  hint: string | null;
  version: string | null;
  interval_ms: number | null;
  /** What its output reports. It is set also if the method is not available. */
  reports: Reported[];
  rounds: number;
  /** CPU time of its whole process tree, including ended children. */
  cpu_pct: number | null;
  /** BPF programs and kernel threads; null: the cost in the kernel was not measured, or only `slowdown` shows it. */
  kernel_cpu_pct: number | null;
  /** `cpu_pct` and `kernel_cpu_pct` together. */
  total_cpu_pct: number | null;
  /**
   * CPU time in all, divided by the processes that the workload made meanwhile; for event methods also by the other
   * processes that they reported, because they paid for those too.
   */
  us_per_process: number | null;
  /** The processes that `us_per_process` divides by, a second. */
  processes_per_second: number | null;
  slowdown: {
    pct: number;
    ci95: readonly [lo: number, hi: number] | null;
    us_per_process: number;
    us_ci95: readonly [lo: number, hi: number] | null;
  } | null;
  memory_bytes: number | null;
  /** Bytes written in `measured_s`. */
  bytes_written: number | null;
  measured_s: number | null;
  seen: number | null;
  total: number | null;
  capture_pct: number | null;
  by_lifetime: LifetimeRow[];
  /** Looks a second, and CPU time of a look; null for event methods. */
  looks_per_second: number | null;
  us_per_look: number | null;
  rate_achieved: number | null;
  others_per_second: number | null;
  /** Events that the method itself reports as lost, and lines of its output that could not be parsed. */
  lost: number | null;
  unparsed: number | null;
  /** How long an event method warmed up before its clocks were read, mean of its turns; null for methods that poll. */
  warm_up_s: number | null;
  /** What stays changed on the machine until its next boot. */
  aftermath: string | null;
}

export interface LifetimeRow {
  /** Null: the ordinary mix. */
  lifetime_ms: number | null;
  total: number;
  seen: number;
  capture_pct: number | null;
}

/** An estimate by a model, see `modelCapture`. */
export interface FrontierRow {
  method: string;
  wanted_pct: number;
  interval_ms: number | null;
  us_per_look: number;
  cpu_pct: number | null;
  /** Whether a look is over before the next one is due. */
  possible: boolean;
  /** The model compared with the measurements, for each measured interval. */
  model: { interval_ms: number; predicted_pct: number; measured_pct: number }[];
}

export interface GrowthReport {
  sizes: GrowthSize[];
  /** Why there are none, or fewer than requested. */
  reason: string | null;
}

export interface GrowthSize {
  /** Sleeping processes that were added, and processes on the machine in all. */
  sleeping: number;
  processes: number;
  rows: GrowthRow[];
}

export interface GrowthRow {
  method: string;
  /** CPU time of a look; null for event methods. */
  us_per_look: number | null;
  /** For polling methods, the cost of a look every interval; for event methods, the cost at the workload's rate. */
  cpu_pct: number | null;
  reason: string | null;
}
