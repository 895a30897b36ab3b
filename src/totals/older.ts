import type { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import { NS_PER_CLOCK_TICK, type ProcStat, readProcStat } from "../procfs/proc-stat.ts";
import type { Group } from "./group.ts";
import { groupOfEnd } from "./group-of-end.ts";
import { groupKeyOf } from "./used.ts";

interface Older {
  startLow: number;
  /** Its group when it was looked at last. */
  key: string;
  /** Whether its end was to be in totals then. */
  isTotalled: boolean;
  userNs: number;
  systemNs: number;
  /** Intervals since its end in which no group had an end that may be its own. */
  misses: number;
}

/** The list of processes may be older than the totals: an end is in the interval before, or in the next one. */
const MAX_MISSES = 2;

/**
 * What processes had used before the run began: the kernel side adds up the whole life of a process, and totals are to
 * count only what was used since then.
 */
export class OlderProcesses {
  readonly #table: ProcessTable;
  /** Whether the end of a live process would be in totals: it passes the filters, and has that level. */
  readonly #isTotalled: (slot: number) => boolean;
  readonly #older = new Map<number, Older>();

  constructor(table: ProcessTable, isTotalled: (slot: number) => boolean) {
    this.#table = table;
    this.#isTotalled = isTotalled;
  }

  /** Processes that have not ended, or whose end is looked for. */
  get size(): number {
    return this.#older.size;
  }

  /**
   * Takes the processes of the table. To be called once it has been filled. Those that do not pass the filters are taken
   * as well: their user, name or cgroup may change before they end.
   */
  begin(read: (pid: number) => Pick<ProcStat, "utimeTicks" | "stimeTicks"> | null = readProcStat): void {
    const table = this.#table;
    for (const slot of table.liveSlots()) {
      const stat = read(table.pid(slot));
      if (stat === null || stat.utimeTicks + stat.stimeTicks === 0) continue;
      this.#older.set(table.pid(slot), {
        startLow: table.startLow(slot),
        key: groupKeyOf(table, slot),
        isTotalled: this.#isTotalled(slot),
        userNs: stat.utimeTicks * NS_PER_CLOCK_TICK,
        systemNs: stat.stimeTicks * NS_PER_CLOCK_TICK,
        misses: 0,
      });
    }
  }

  /** Takes from groups what processes that ended had used before. To be called when the table has only live processes. */
  subtract(groups: readonly Group[]): void {
    const table = this.#table;
    const byKey = new Map(groups.map((group) => [group.key, group]));
    for (const [pid, older] of this.#older) {
      const slot = table.findLive(pid);
      if (slot !== NO_SLOT && table.startLow(slot) === older.startLow) {
        older.key = groupKeyOf(table, slot);
        older.isTotalled = this.#isTotalled(slot);
        continue;
      }
      const group = older.isTotalled ? groupOfEnd(older.key, byKey) : undefined;
      group?.takeOff(older.userNs, older.systemNs);
      // Longer kept, it would take the time of another process.
      if (group || !older.isTotalled || ++older.misses >= MAX_MISSES) this.#older.delete(pid);
    }
  }
}
