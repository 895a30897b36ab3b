import type { CommandTotals, GroupRow, ProcessRow } from "./model.ts";

export const SORTS = ["cpu", "mem", "pid", "start", "name", "count"] as const;
export type Sort = (typeof SORTS)[number];
export type View = "processes" | "tree" | "groups" | "short";
export const VIEWS: readonly View[] = ["processes", "tree", "groups", "short"];

/** Sort orders of each view, the default first. A tree is always in the order of pids. */
export const SORTS_OF: Record<View, readonly Sort[]> = {
  processes: ["cpu", "mem", "pid", "start", "name"],
  tree: ["pid"],
  groups: ["cpu", "mem", "count", "name"],
  short: ["cpu", "count", "mem", "name"],
};

/** The sort order of a view: the requested one if the view has it, otherwise its first. */
export function sortIn(view: View, sort: Sort): Sort {
  return SORTS_OF[view].includes(sort) ? sort : (SORTS_OF[view][0] as Sort);
}

/** Sorts by a number: highest first, or lowest first if `isAscending`. Items without a value come last. */
function by<T>(key: (item: T) => number | null, isAscending = false): (a: T, b: T) => number {
  const sign = isAscending ? 1 : -1;
  return (a, b) => {
    const left = key(a);
    const right = key(b);
    if (left === null || right === null) return (left === null ? 1 : 0) - (right === null ? 1 : 0);
    return sign * (left - right);
  };
}

const byText =
  <T>(text: (item: T) => string) =>
  (a: T, b: T): number => {
    const left = text(a);
    const right = text(b);
    return left < right ? -1 : left > right ? 1 : 0;
  };

type Order<T> = (a: T, b: T) => number;

/** Equal rows are in the order of pids, so that rows without changes do not move. */
function thenPid(order: Order<ProcessRow>): Order<ProcessRow> {
  return (a, b) => order(a, b) || a.pid - b.pid;
}

const PROCESSES: Partial<Record<Sort, Order<ProcessRow>>> = {
  cpu: thenPid(by((row) => row.cpuPct)),
  mem: thenPid(by((row) => row.rssBytes)),
  pid: by((row) => row.pid, true),
  start: thenPid(by((row) => (row.startNs === null ? null : Number(row.startNs)))),
  name: thenPid(byText((row) => row.comm)),
};

const GROUPS: Partial<Record<Sort, Order<GroupRow>>> = {
  cpu: by((group) => group.cpuPct),
  mem: by((group) => group.rssBytes),
  count: by((group) => group.processes),
  name: byText((group) => group.name),
};

const COMMANDS: Partial<Record<Sort, Order<CommandTotals>>> = {
  cpu: by((command) => command.cpuNs),
  mem: by((command) => command.peakRssBytes),
  count: by((command) => command.count),
  name: byText((command) => command.comm),
};

function sorted<T>(items: readonly T[], order: Order<T> | undefined, isReversed: boolean): T[] {
  const copy = [...items];
  if (order) copy.sort(order);
  return isReversed ? copy.reverse() : copy;
}

export function sortProcesses(rows: readonly ProcessRow[], sort: Sort, isReversed = false): ProcessRow[] {
  return sorted(rows, PROCESSES[sortIn("processes", sort)], isReversed);
}

export function sortGroups(groups: readonly GroupRow[], sort: Sort, isReversed = false): GroupRow[] {
  return sorted(groups, GROUPS[sortIn("groups", sort)], isReversed);
}

export function sortCommands(commands: readonly CommandTotals[], sort: Sort, isReversed = false): CommandTotals[] {
  return sorted(commands, COMMANDS[sortIn("short", sort)], isReversed);
}
