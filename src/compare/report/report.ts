import type { HostFacts } from "../../doctor/host-facts.ts";
import type { Reported } from "../../observers/observer.ts";

/** The report of `compare-with-polling`, in the form of its JSON. What is null was not, or cannot be, measured. */
export interface CompareReport {
  schema: "linnix.compare/1";
  version: string;
  started: string;
  duration_s: number;
  /** False where it was interrupted: what there is by then. */
  complete: boolean;
  interrupted_by: string | null;
  host: HostFacts;
  options: CompareReportOptions;
  workload: {
    spawned: number;
    rate_asked: number;
    rate_achieved: number | null;
    lifetimes_ms: number[];
    /** Median of what the processes of each asked lifetime really lived; null: of the ordinary mix. */
    lived_ms: { lifetime_ms: number | null; median_ms: number }[];
    /** Tasks that others on the machine started meanwhile: methods that watch the whole machine paid for them as well. */
    others_per_second: number | null;
    /** Share of the processes that are of the ordinary mix. */
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
  /** Why it is not there, or why it has no figures. */
  reason: string | null;
  hint: string | null;
  version: string | null;
  interval_ms: number | null;
  /** What its output holds: what its cost buys. Also of a method that is not there. */
  reports: Reported[];
  rounds: number;
  /** CPU time of its whole process tree, including ended children. */
  cpu_pct: number | null;
  /** BPF programs and kernel threads; null: what it costs in the kernel shows in `slowdown` alone. */
  kernel_cpu_pct: number | null;
  /** Both. */
  total_cpu_pct: number | null;
  /**
   * CPU time in all, divided by the processes that the workload made meanwhile; for event methods also by the other
   * processes that they reported, because they paid for those too.
   */
  us_per_process: number | null;
  /** Those processes, a second. */
  processes_per_second: number | null;
  slowdown: {
    pct: number;
    ci95: readonly [lo: number, hi: number] | null;
    us_per_process: number;
    us_ci95: readonly [lo: number, hi: number] | null;
  } | null;
  memory_bytes: number | null;
  /** In the measured time, `measured_s`. */
  bytes_written: number | null;
  measured_s: number | null;
  seen: number | null;
  total: number | null;
  capture_pct: number | null;
  by_lifetime: LifetimeRow[];
  /** Looks a second, and the cost of one; null for event methods. */
  looks_per_second: number | null;
  us_per_look: number | null;
  rate_achieved: number | null;
  others_per_second: number | null;
  /** Events that it says itself that it has lost, and lines of its output that were not understood. */
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
  /** The model held against what was measured. */
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
  /** For methods that poll. */
  us_per_look: number | null;
  /** For methods that poll what looking once an interval costs; for others their cost at the workload's rate. */
  cpu_pct: number | null;
  reason: string | null;
}
