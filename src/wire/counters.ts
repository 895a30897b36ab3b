import type { CountByReason, CountByType } from "./event.ts";
import type { Unwritten } from "./unwritten.ts";

/**
 * The counters of fork, exec and exit, in the order in which an event passes them. Each key is the name in the JSON of
 * the summary and of /status; the value is the name of the metric and its help text. For each type `seen = filtered +
 * suppressed + folded + emitted` and `emitted = received + lost`.
 */
export const EVENT_COUNTERS = {
  seen: { metric: "linnix_seen_events_total", help: "Events that reached the BPF programs." },
  filtered: { metric: "linnix_filtered_events_total", help: "Events that filters in the kernel dropped." },
  suppressed: {
    metric: "linnix_suppressed_events_total",
    help: "Events that the kernel side counted instead of sending, because there were too many.",
  },
  folded: {
    metric: "linnix_folded_events_total",
    help: "Events that the kernel side added to a process or totals record, because of the level of detail.",
  },
  emitted: { metric: "linnix_emitted_events_total", help: "Events that the kernel side handed to its rings." },
  received: { metric: "linnix_events_total", help: "Events that reached user space, by type." },
  skipped: {
    metric: "linnix_skipped_events_total",
    help: "Tracepoint hits for which the kernel ran no BPF program, because the program was preempted. Hits of threads count too.",
  },
} as const;

export type EventCounter = keyof typeof EVENT_COUNTERS;

export const EVENT_COUNTER_NAMES = Object.keys(EVENT_COUNTERS) as EventCounter[];

/** The counters that also exist for page faults. */
export const PAGE_FAULT_COUNTER_NAMES = ["seen", "suppressed", "emitted", "received", "skipped"] as const;

/** Why a sample was not emitted, as a clause. */
export const SAMPLE_LOSSES = {
  dropped_output_full: "the output was full",
  dropped_no_memory: "the kernel had no room for the figures of the process",
  baseline_missing: "the last figures of the process were gone",
} as const;

export type SampleLoss = keyof typeof SAMPLE_LOSSES;

export const SAMPLE_LOSS_NAMES = Object.keys(SAMPLE_LOSSES) as SampleLoss[];

/** Counts of samples by what happened to them. */
export interface SampleCounters extends Record<SampleLoss, number> {
  emitted: number;
  /** Threads whose CPU time is missing in a sample, because their process has more threads than the limit. */
  threads_not_summed: number;
}

/** Page faults. `seen` does not include skipped page faults. */
export interface PageFaultCounters extends Record<(typeof PAGE_FAULT_COUNTER_NAMES)[number], number> {
  lost: number;
  lost_by_reason: CountByReason;
}

/** Everything that a run counts. The names are those in the JSON. */
export interface Counters extends Record<EventCounter, CountByType> {
  /** Forks, execs and exits that did not reach user space. */
  lost: number;
  lost_by_type: CountByType;
  lost_by_reason: CountByReason;
  /** Lost records of each CPU that has any, including page faults. */
  lost_by_cpu: { cpu: number; lost: number }[];
  /** Lines that the output did not accept. Their forks, execs and exits count as `received`, and reach the API. */
  unwritten: Unwritten;
  /** Null if page faults are not reported. */
  page_faults: PageFaultCounters | null;
  /** Samples of the CPU time and memory of processes. */
  samples: SampleCounters;
  /** Number of threads that started, and of threads that ended. No event reports them. */
  threads: { started: number; exited: number };
  /**
   * Processes and threads that the kernel created and the kernel side did not see, computed from the kernel's own count
   * of created tasks. It is a lower bound, updated each minute and at the end. Null if the kernel's count cannot be
   * read.
   */
  unexplained_forks: number | null;
}

export function noSamples(): SampleCounters {
  return { emitted: 0, dropped_output_full: 0, dropped_no_memory: 0, baseline_missing: 0, threads_not_summed: 0 };
}
