import type { GroupSettings } from "./group-reports.ts";
import type { KernelFeedOptions } from "./kernel-feed.ts";
import type { ReconcilerOptions } from "./reconciler.ts";

export interface CollectorOptions extends KernelFeedOptions {
  flushIntervalMs: number;
  /** Upper limit of the flush interval, ms, for example because a watchdog expects flushes; absent: no limit. */
  maxFlushIntervalMs?: number;
  lingerMs: number;
  /** Time between two scans over the CPU time and memory of all processes; 0: none. */
  sampleIntervalMs: number;
  /** A process that did not run is sampled if its memory has changed by more than this, bytes. */
  rssThresholdBytes: number;
  /** Time between two reports of totals; absent: 10 s. */
  summaryIntervalMs?: number;
  /** If absent, linnix has no figures by unit and container. */
  groups?: GroupSettings;
  /** Whether sources are limited to 1,000 events a second while a ring fills up. */
  stormsFollowRings?: boolean;
  /** Options of the comparison of the table with live processes. */
  reconcile?: Pick<ReconcilerOptions, "everyNs" | "lister">;
}
