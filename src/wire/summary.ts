import type { Counters } from "./counters.ts";
import type { DetailLevel } from "./detail-level.ts";

/** The last line of a run. */
export interface RunSummary extends Omit<Counters, "page_faults"> {
  type: "summary";
  duration_s: number;
  /** The level of detail in force at the end of the run. */
  detail: DetailLevel;
  /** Processes that were alive at the end and pass the filters. */
  running: number;
  /** Absent if page faults are not reported. */
  page_faults?: NonNullable<Counters["page_faults"]>;
  backend: "btf" | "tracepoint";
  /** Fields that this backend and kernel cannot report: null or absent in every event. */
  missing_fields: string[];
  /** CPU time and memory that the collector itself used, from its start to its end. */
  cost: {
    user_cpu_s: number;
    system_cpu_s: number;
    /** % of one core, over `duration_s`. */
    cpu_pct: number;
    max_rss_bytes: number;
  };
}
