/** Ancestors and descendants, from the process table. Each call walks the table, and nothing is cached. */
import type { TableRows } from "./table-rows.ts";
import { NO_SLOT } from "./table-slots.ts";

/** A relative of the process in question. */
export interface Relative {
  slot: number;
  /** Generations between the two, from 1 on. */
  depth: number;
}

export interface Relatives {
  /** Nearest first. */
  relatives: Relative[];
  /** Whether there are more than the bounds permit. */
  truncated: boolean;
}

export interface TreeBounds {
  /** Maximum number of generations. */
  maxDepth?: number;
  /** Maximum number of processes. */
  maxCount?: number;
}

const MAX_DEPTH = 256;
const MAX_COUNT = 10_000;

/**
 * Slot of the parent: the newest process with the pid `ppid` that started before the child, because pids are used
 * again. An exited parent counts while it is in the table. NO_SLOT: unknown.
 */
export function parentOf(table: TableRows, slot: number): number {
  return olderOf(table, slot, table.ppid(slot));
}

/** Its ancestors, up to the first whose parent is unknown. */
export function ancestorsOf(table: TableRows, slot: number, bounds: TreeBounds = {}): Relatives {
  const most = Math.min(bounds.maxDepth ?? MAX_DEPTH, bounds.maxCount ?? MAX_COUNT);
  const relatives: Relative[] = [];
  const seen = new Set([slot]);
  let at = parentOf(table, slot);
  // Without start times, pids that were used again can form a cycle.
  while (at !== NO_SLOT && !seen.has(at)) {
    if (relatives.length === most) return { relatives, truncated: true };
    seen.add(at);
    relatives.push({ slot: at, depth: relatives.length + 1 });
    at = parentOf(table, at);
  }
  return { relatives, truncated: false };
}

/**
 * The descendants of a process. After its exit these are the processes that were born to it, even if another process
 * has adopted them.
 */
export function descendantsOf(table: TableRows, slot: number, bounds: TreeBounds = {}): Relatives {
  const { maxDepth = MAX_DEPTH, maxCount = MAX_COUNT } = bounds;
  const children = new Children(table);
  const relatives: Relative[] = [];
  const seen = new Set([slot]);
  let truncated = false;
  const visit = (parent: number, depth: number) => {
    for (const child of children.of(parent)) {
      if (seen.has(child)) continue;
      if (depth > maxDepth || relatives.length >= maxCount) {
        truncated = true;
        return;
      }
      seen.add(child);
      relatives.push({ slot: child, depth });
    }
  };
  visit(slot, 1);
  for (let i = 0; i < relatives.length; i++) {
    const { slot: parent, depth } = relatives[i] as Relative;
    visit(parent, depth + 1);
  }
  return { relatives, truncated };
}

/** The children of every process, in two linked lists: of the current parent, and of a birth parent that has exited. */
class Children {
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  readonly #firstBorn: Int32Array;
  readonly #nextBorn: Int32Array;

  constructor(table: TableRows) {
    const lists = () => new Int32Array(table.slotEnd).fill(NO_SLOT);
    this.#first = lists();
    this.#next = lists();
    this.#firstBorn = lists();
    this.#nextBorn = lists();
    for (const slot of table.knownSlots()) {
      const parent = parentOf(table, slot);
      if (parent !== NO_SLOT) {
        this.#next[slot] = this.#first[parent] as number;
        this.#first[parent] = slot;
      }
      const birthPpid = table.birthPpid(slot);
      if (birthPpid === undefined || birthPpid === table.ppid(slot)) continue;
      const bornTo = olderOf(table, slot, birthPpid);
      if (bornTo === NO_SLOT || bornTo === parent || table.isLive(bornTo)) continue;
      this.#nextBorn[slot] = this.#firstBorn[bornTo] as number;
      this.#firstBorn[bornTo] = slot;
    }
  }

  *of(parent: number): Generator<number> {
    for (let at = this.#first[parent] as number; at !== NO_SLOT; at = this.#next[at] as number) yield at;
    for (let at = this.#firstBorn[parent] as number; at !== NO_SLOT; at = this.#nextBorn[at] as number) yield at;
  }
}

/** The newest process of pid `ppid` that can have existed when the process at `slot` was born. */
function olderOf(table: TableRows, slot: number, ppid: number | undefined): number {
  if (ppid === undefined) return NO_SLOT;
  let parent = table.find(ppid);
  while (parent !== NO_SLOT && !couldBeParent(table, parent, slot)) parent = table.findOlder(parent);
  return parent;
}

function couldBeParent(table: TableRows, parent: number, child: number): boolean {
  if (parent === child) return false;
  const childStartNs = startNs(table, child);
  if (childStartNs === undefined) return true;
  const parentStartNs = startNs(table, parent);
  if (parentStartNs !== undefined && parentStartNs > childStartNs) return false;
  const exitedNs = table.exitedNs(parent);
  return exitedNs === undefined || exitedNs >= childStartNs;
}

/**
 * Start time, ns, as a double, which is exact enough to compare times that are far apart. Undefined if neither start
 * nor fork is known.
 */
function startNs(table: TableRows, slot: number): number | undefined {
  return table.startHigh(slot) * 4294967296 + table.startLow(slot) || table.bornNs(slot);
}
