import type { CountByReason, CountByType } from "./event.ts";
import type { Unwritten } from "./unwritten.ts";

/** What became of the samples of a run. */
export interface SampleSummary {
  told: number;
  /** Due while the output had no room: told to nobody. */
  held_back: number;
  /** Of processes for whose figures the kernel had no room: neither told nor in the process table. */
  unkept: number;
  /** Of processes whose last figures were gone, so that nobody can say what they did since: not told. */
  forgotten: number;
  /** Threads whose time is missing in a sample, for their process has more than are added up. */
  left_out_threads: number;
}

/** The last line of a run. For each type `emitted = received + lost`, to the event. */
export interface RunSummary {
  type: "summary";
  duration_s: number;
  /** What reached user space, by type. */
  received: CountByType;
  /** The kernel side's own count of what it handed to the rings, by type. */
  emitted: CountByType;
  /** Records of these types that did not reach user space, in all. */
  lost: number;
  lost_by_type: CountByType;
  /** Their sum is `lost`. */
  lost_by_reason: CountByReason;
  /** Page faults among them. */
  lost_by_cpu: { cpu: number; lost: number }[];
  /**
   * Runs of the programs that the kernel skipped, for the same one stood preempted on that CPU, and that no second
   * program made good: events that nobody was told of, or of exit and fork such of threads.
   */
  skipped: CountByType;
  /** What kernel-side filters held back, by type. */
  filtered: CountByType;
  /** What the kernel side counted instead of sending, by type. */
  suppressed: CountByType;
  /** Lines that the output did not take. Those of fork, exec and exit are in `received`, and reach the API. */
  unwritten: Unwritten;
  /** Only where they are told of: seen = emitted + suppressed, emitted = received + lost; those skipped were not seen. */
  page_faults?: { seen: number; emitted: number; received: number; lost: number; suppressed: number; skipped: number };
  /** CPU and memory of processes, once each sample interval. */
  samples: SampleSummary;
  /** Threads that were started and that ended: counted, never sent. */
  threads: { started: number; exited: number };
  backend: "btf" | "tracepoint";
  /** Fields that this backend and kernel cannot give: null in every event. */
  missing_fields: string[];
  /** What the collector itself used from its start to its end. */
  cost: {
    user_cpu_s: number;
    system_cpu_s: number;
    /** Of one core, over `duration_s`. */
    cpu_pct: number;
    max_rss_bytes: number;
  };
}
