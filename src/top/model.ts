import type { Place } from "../cgroup/place.ts";
import type { EndedSums } from "../totals/ended.ts";

/** One live process. It reads texts only when they are used, because most rows are not on the screen. */
export interface ProcessRow {
  readonly pid: number;
  readonly ppid: number | null;
  /**
   * Start time of the process after boot, ns. Together with `pid` it identifies the process. Null if unknown.
   */
  readonly startNs: bigint | null;
  /** `pid` and `startNs` as one text. */
  readonly key: string;
  readonly uid: number;
  readonly user: string | null;
  /** % of one core over the last sampling interval. */
  readonly cpuPct: number | null;
  readonly rssBytes: number | null;
  readonly threads: number | null;
  readonly comm: string;
  readonly exe: string | null;
  /** Arguments of its last exec; null if unknown. */
  readonly args: readonly string[] | null;
  readonly argsTruncated: boolean | null;
  /** `R`, `S`, `D`, … from /proc; null if the process runs on another machine or has ended. */
  readonly state: string | null;
  readonly place: Place;
}

/** Processes of one name that started and ended between two refreshes. */
export interface CommandTotals extends EndedSums {
  comm: string;
}

/** Processes of one group that started and ended between two refreshes. */
export interface GroupTotals {
  count: number;
  cpuNs: number;
}

/** Processes that started and ended between two refreshes, so that a list of processes at both times misses them. */
export interface ShortLived {
  count: number;
  cpuNs: number;
  /** Processes whose CPU time is unknown. */
  cpuUnknown: number;
  commands: readonly CommandTotals[];
  groups: ReadonlyMap<string, GroupTotals>;
}

/** CPU time that linnix itself uses, % of one core; null if unknown. */
export interface OwnCost {
  userSpacePct: number | null;
  inKernelPct: number | null;
  /** Null: no budget. */
  budgetPct: number | null;
  /** Level of the CPU budget; 0 if nothing is reduced. */
  level: number;
}

/** All data of one refresh. */
export interface Refresh {
  /** Wall clock, ms. */
  atMs: number;
  /** Time since the previous refresh, ms. */
  elapsedMs: number;
  /** Where the figures come from: `this machine`, or a daemon's address. */
  source: string;
  backend: string | null;
  missingFields: readonly string[];
  cost: OwnCost;
  eventsPerSecond: number | null;
  /** Events per second of the last refreshes, oldest first; this refresh is the last. */
  rates: readonly number[];
  /** Records that did not reach user space, so far. */
  lost: number;
  processes: readonly ProcessRow[];
  /** Null if the daemon does not answer, or reports no ends of processes at its level of detail. */
  short: ShortLived | null;
  /** CPU time that the machine has used since the previous refresh, ns; null if unknown. */
  busyNs: number | null;
  /** Reasons why these figures are incomplete, each one clause. */
  notes: readonly string[];
}

/** {@link ProcessRow.key} */
export function keyText(pid: number, startNs: bigint | null): string {
  return `${pid}:${startNs ?? ""}`;
}

/** Where refreshes come from. */
export interface Source extends AsyncDisposable {
  /** @throws LinnixError if it cannot run, or the daemon does not answer */
  start(): Promise<void>;
  /** Whether CPU use is known already. It needs two samples of each process. */
  readonly isComplete: boolean;
  /** The data of a new refresh. Its rows are valid until the next call. */
  refresh(): Promise<Refresh>;
  /** Reads all values of the rows now, because the caller shows the rows for a longer time. */
  freeze(): void;
}

/** Number of rates in the header. */
const RATES = 60;

/** Appends a rate if it is known, and drops the oldest one if there are too many. */
export function addRate(rates: number[], rate: number | null): void {
  if (rate !== null) rates.push(rate);
  if (rates.length > RATES) rates.shift();
}

/** Share of short-lived processes in the CPU time that the machine has used, 0 … 1; null if unknown. */
export function shortShare({ short, busyNs }: Refresh): number | null {
  const cpuNs = short === null ? null : knownCpuNs(short);
  if (cpuNs === null || busyNs === null || busyNs <= 0) return null;
  // At most 1: the kernel may count the machine's time in ticks, and the time of processes exactly.
  return Math.min(cpuNs / busyNs, 1);
}

/** CPU time of ended processes, ns; null if it is unknown for all of them. */
export function knownCpuNs({
  count,
  cpuNs,
  cpuUnknown,
}: Pick<ShortLived, "count" | "cpuNs" | "cpuUnknown">): number | null {
  return count > 0 && cpuUnknown === count ? null : cpuNs;
}

/** Name of the group: container, else unit, else cgroup. */
export function groupName({ container, unit, cgroup }: Pick<Place, "container" | "unit" | "cgroup">): string {
  if (container) return `${container.runtime}:${container.id.slice(0, 12)}`;
  return unit ?? cgroup ?? "?";
}

export interface GroupRow {
  name: string;
  processes: number;
  /** Figures of live processes, and of those that started and ended since the previous refresh. */
  cpuPct: number | null;
  rssBytes: number | null;
  shortLived: number;
}

/** Live and short-lived processes by group. */
export function groupsOf({
  processes,
  short,
  elapsedMs,
}: Pick<Refresh, "processes" | "short" | "elapsedMs">): GroupRow[] {
  const groups = new Map<string, GroupRow>();
  const groupOf = (name: string): GroupRow => {
    let group = groups.get(name);
    if (group === undefined) {
      group = { name, processes: 0, cpuPct: null, rssBytes: null, shortLived: 0 };
      groups.set(name, group);
    }
    return group;
  };
  for (const row of processes) {
    const group = groupOf(groupName(row.place));
    group.processes++;
    if (row.cpuPct !== null) group.cpuPct = (group.cpuPct ?? 0) + row.cpuPct;
    if (row.rssBytes !== null) group.rssBytes = (group.rssBytes ?? 0) + row.rssBytes;
  }
  for (const [name, { count, cpuNs }] of short?.groups ?? []) {
    const group = groupOf(name);
    group.shortLived += count;
    group.cpuPct = (group.cpuPct ?? 0) + cpuPctOf(cpuNs, elapsedMs);
  }
  return [...groups.values()];
}

/** CPU time as % of one core. */
export function cpuPctOf(cpuNs: number, elapsedMs: number): number {
  return elapsedMs > 0 ? cpuNs / elapsedMs / 1e4 : 0;
}
