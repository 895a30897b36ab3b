import type { GroupSettings } from "./group-reports.ts";
import type { KernelFeedOptions } from "./kernel-feed.ts";
import type { ReconcilerOptions } from "./reconciler.ts";

export interface CollectorOptions extends KernelFeedOptions {
  flushIntervalMs: number;
  /** The flush interval is never longer than this, ms, because other work depends on it. */
  maxFlushIntervalMs?: number;
  lingerMs: number;
  /** Time between two scans over the CPU time and memory of all processes; 0: none. */
  sampleIntervalMs: number;
  /** A process that did not run is sampled if its memory has moved by this, bytes. */
  rssThresholdBytes: number;
  /** Time between two reports of totals; left out: 10 s. */
  summaryIntervalMs?: number;
  /** Absent: nothing is counted by unit and container. */
  groups?: GroupSettings;
  /** Whether sources are limited to 1,000 events a second while a ring fills up. */
  stormsFollowRings?: boolean;
  /** Options of the comparison of the table with live processes. */
  reconcile?: Pick<ReconcilerOptions, "everyNs" | "lister">;
}
