import type { EventView } from "../process/event-view.ts";
import { EVENT_EXIT, EVENT_PROCESS, EXIT_EVENT, KNOWN_CPU, KNOWN_RSS, PROCESS_EVENT } from "../wire/layout.gen.ts";

/** Maximum number of separate names. All further names are added up under one name. */
const MAX_NAMES = 1000;
export const OTHERS = "(others)";

/** The figures that an ended process adds to a sum. */
export interface EndedFigures {
  /** Null if unknown. */
  cpuNs: number | null;
  peakRssBytes: number | null;
}

/** Sums over processes that have ended. */
export interface EndedSums {
  count: number;
  /** CPU time of the processes for which it is known, ns. */
  cpuNs: number;
  /** Number of processes whose CPU time is unknown. */
  cpuUnknown: number;
  /** The largest peak RSS of a process; null if unknown for all. */
  peakRssBytes: number | null;
}

export function noneEnded(): EndedSums {
  return { count: 0, cpuNs: 0, cpuUnknown: 0, peakRssBytes: null };
}

export function addEnded(sums: EndedSums, { cpuNs, peakRssBytes }: EndedFigures): void {
  sums.count++;
  if (cpuNs === null) sums.cpuUnknown++;
  else sums.cpuNs += cpuNs;
  if (peakRssBytes !== null) sums.peakRssBytes = Math.max(sums.peakRssBytes ?? 0, peakRssBytes);
}

/** Adds sums of other processes. */
export function addSums(sums: EndedSums, more: EndedSums): void {
  sums.count += more.count;
  sums.cpuNs += more.cpuNs;
  sums.cpuUnknown += more.cpuUnknown;
  if (more.peakRssBytes !== null) sums.peakRssBytes = Math.max(sums.peakRssBytes ?? 0, more.peakRssBytes);
}

/** Whether the event is the end of a process: `exit`, or `process` at the level of detail `processes`. */
export function isEnd({ type }: EventView): boolean {
  return type === EVENT_EXIT || type === EVENT_PROCESS;
}

/** Start of the ended process, CLOCK_BOOTTIME, ns; null if unknown. */
export function startOfEnded(view: EventView): number | null {
  const { durationNs } = view;
  return durationNs < 0 ? null : view.record.u64(PROCESS_EVENT.ts_ns) - durationNs;
}

export function figuresOfEnded(view: EventView): EndedFigures {
  const { known } = view;
  return {
    cpuNs: known & KNOWN_CPU ? view.cpuNs : null,
    peakRssBytes: known & KNOWN_RSS ? view.figure(EXIT_EVENT.peak_rss_bytes) : null,
  };
}

/** One item per name, for at most `MAX_NAMES` names and one for all others. */
export class ByName<T> {
  readonly items = new Map<string, T>();
  readonly #make: (name: string) => T;

  constructor(make: (name: string) => T) {
    this.#make = make;
  }

  /** The item of that name, or the common item of all names beyond the limit. */
  of(wanted: string): T {
    const { items } = this;
    const name = items.size < MAX_NAMES || items.has(wanted) ? wanted : OTHERS;
    let item = items.get(name);
    if (item === undefined) {
      item = this.#make(name);
      items.set(name, item);
    }
    return item;
  }
}
