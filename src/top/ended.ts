import type { CommandTotals, GroupTotals, ShortLived } from "./model.ts";

/** Names and groups that are kept apart between two refreshes; the rest is added up as one. */
const MAX_NAMES = 1000;
const OTHERS = "(others)";

/** A process that started and ended since the last refresh. */
export interface Ended {
  comm: string;
  group: string;
  /** Null: not known. */
  cpuNs: number | null;
  peakRssBytes: number | null;
}

/** Adds up what started and ended since the last refresh. */
export class EndedTotals {
  #count = 0;
  #cpuNs = 0;
  #cpuUnknown = 0;
  #commands = new Map<string, CommandTotals>();
  #groups = new Map<string, GroupTotals>();

  add({ comm, group, cpuNs, peakRssBytes }: Ended): void {
    this.#count++;
    if (cpuNs === null) this.#cpuUnknown++;
    else this.#cpuNs += cpuNs;
    const ofCommand = entry(this.#commands, comm, (name) => ({ comm: name, count: 0, cpuNs: 0, peakRssBytes: null }));
    ofCommand.count++;
    ofCommand.cpuNs += cpuNs ?? 0;
    if (peakRssBytes !== null) ofCommand.peakRssBytes = Math.max(ofCommand.peakRssBytes ?? 0, peakRssBytes);
    const ofGroup = entry(this.#groups, group, () => ({ count: 0, cpuNs: 0 }));
    ofGroup.count++;
    ofGroup.cpuNs += cpuNs ?? 0;
  }

  /** The sums so far, and begins with new ones. */
  take(): ShortLived {
    const taken = {
      count: this.#count,
      cpuNs: this.#cpuNs,
      cpuUnknown: this.#cpuUnknown,
      commands: [...this.#commands.values()],
      groups: this.#groups,
    };
    this.#count = 0;
    this.#cpuNs = 0;
    this.#cpuUnknown = 0;
    this.#commands = new Map();
    this.#groups = new Map();
    return taken;
  }
}

function entry<T>(entries: Map<string, T>, wanted: string, make: (name: string) => T): T {
  const name = entries.size < MAX_NAMES || entries.has(wanted) ? wanted : OTHERS;
  let found = entries.get(name);
  if (found === undefined) {
    found = make(name);
    entries.set(name, found);
  }
  return found;
}
