import type { Place } from "../cgroup/place.ts";
import type { EndedSums } from "../totals/ended.ts";

/** One live process. It reads texts only when they are used, because most rows are not on the screen. */
export interface ProcessRow {
  readonly pid: number;
  readonly ppid: number | null;
  /**
   * The exact start time of the process after boot, ns. It identifies the process together with `pid`. Null: unknown.
   */
  readonly startNs: bigint | null;
  /** The two as one text. */
  readonly key: string;
  readonly uid: number;
  readonly user: string | null;
  /** % of one core over the last sampling interval. */
  readonly cpuPct: number | null;
  readonly rssBytes: number | null;
  readonly threads: number | null;
  readonly comm: string;
  readonly exe: string | null;
  /** As of its last exec. */
  readonly args: readonly string[] | null;
  readonly argsTruncated: boolean | null;
  /** `R`, `S`, `D`, … as /proc shows it; null if that is another machine's, or the process has ended. */
  readonly state: string | null;
  readonly place: Place;
}

/** Processes of one name that started and ended between two refreshes. */
export interface CommandTotals extends EndedSums {
  comm: string;
}

/** What the same adds up to in one group. */
export interface GroupTotals {
  count: number;
  cpuNs: number;
}

/** What started and ended between two refreshes: no look at the processes at these times shows it. */
export interface ShortLived {
  count: number;
  cpuNs: number;
  /** Processes whose CPU time this kernel does not say. */
  cpuUnknown: number;
  commands: readonly CommandTotals[];
  groups: ReadonlyMap<string, GroupTotals>;
}

/** What linnix itself uses, % of one core; null: not known. */
export interface OwnCost {
  userSpacePct: number | null;
  inKernelPct: number | null;
  /** Null: no budget. */
  budgetPct: number | null;
  /** 0: the collector does everything as configured. */
  level: number;
}

/** All that one refresh knows. */
export interface Refresh {
  /** Wall clock, ms. */
  atMs: number;
  /** Since the refresh before, ms. */
  elapsedMs: number;
  /** Where the figures come from: `this machine`, or a daemon's address. */
  source: string;
  backend: string | null;
  missingFields: readonly string[];
  cost: OwnCost;
  eventsPerSecond: number | null;
  /** Of the refreshes before, the oldest first; this one is the last. */
  rates: readonly number[];
  /** Records that did not reach user space, so far. */
  lost: number;
  processes: readonly ProcessRow[];
  /** Null: the daemon's level of detail reports no ends of processes. */
  short: ShortLived | null;
  /** CPU time that the machine used since the refresh before, ns; null: not known. */
  busyNs: number | null;
  /** Why these figures are incomplete, one clause each. */
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
  /** Whether CPU use is known by now: it takes two looks at each process. */
  readonly isComplete: boolean;
  /** All that happened since the call before. The rows are valid until the next call. */
  refresh(): Promise<Refresh>;
  /** Reads now what the rows would read later, because the caller keeps the rows for some time. */
  freeze(): void;
}

/** Rates that are kept for the header. */
const RATES = 60;

/** Appends a rate, and drops the oldest. */
export function addRate(rates: number[], rate: number | null): void {
  if (rate !== null) rates.push(rate);
  if (rates.length > RATES) rates.shift();
}

/** The share that short-lived processes had of the CPU time used, 0 … 1; null: not known. */
export function shortShare({ short, busyNs }: Refresh): number | null {
  const cpuNs = short === null ? null : knownCpuNs(short);
  if (cpuNs === null || busyNs === null || busyNs <= 0) return null;
  // The kernel may count the machine's time in ticks, and that of processes exactly.
  return Math.min(cpuNs / busyNs, 1);
}

/** CPU time of processes that have ended, ns; null: not known of any of them. */
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
