import type { EventView } from "../process/event-view.ts";
import { EXIT_EVENT, KNOWN_CPU, KNOWN_RSS, KNOWN_STATUS } from "../wire/layout.gen.ts";
import { addSums, type EndedSums, noneEnded } from "./ended.ts";

/** Sums over ended processes whose lifetime is known. */
export interface LifeSums extends EndedSums {
  /** Number of processes that ended with a code other than 0 or by a signal. */
  failed: number;
  /** Number of processes whose exit status is unknown. */
  resultUnknown: number;
  /** Sum of the times from start to end, ns. */
  lifetimeNs: number;
}

export function noLives(): LifeSums {
  return { ...noneEnded(), failed: 0, resultUnknown: 0, lifetimeNs: 0 };
}

/** Adds an ended process whose lifetime is known. It runs for each exit and allocates no object. */
export function addLife(sums: LifeSums, view: EventView): void {
  const { known } = view;
  sums.count++;
  sums.lifetimeNs += view.durationNs;
  if (known & KNOWN_CPU) sums.cpuNs += view.cpuNs;
  else sums.cpuUnknown++;
  if (known & KNOWN_RSS) sums.peakRssBytes = Math.max(sums.peakRssBytes ?? 0, view.figure(EXIT_EVENT.peak_rss_bytes));
  if (!(known & KNOWN_STATUS)) sums.resultUnknown++;
  else if (view.status !== 0) sums.failed++;
}

/** Adds sums of other processes. */
export function addLives(sums: LifeSums, more: LifeSums): void {
  addSums(sums, more);
  sums.failed += more.failed;
  sums.resultUnknown += more.resultUnknown;
  sums.lifetimeNs += more.lifetimeNs;
}
