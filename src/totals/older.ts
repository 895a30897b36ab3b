import type { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import { NS_PER_CLOCK_TICK, type ProcStat, readProcStat } from "../procfs/proc-stat.ts";
import type { Group } from "./group.ts";
import { groupOfEnd } from "./group-of-end.ts";
import { groupKeyOf } from "./used.ts";

interface Older {
  startLow: number;
  /** Key of its group at the last check. */
  key: string;
  /** Whether totals would have counted its end at the last check. */
  isTotalled: boolean;
  userNs: number;
  systemNs: number;
  /** Number of intervals since its end in which no group had an exit that may be this one. */
  misses: number;
}

/**
 * The table of processes and the totals are not read at the same moment, so an exit may be counted one interval later.
 */
const MAX_MISSES = 2;

/**
 * The CPU time that processes had used before the run began. The kernel side adds up the whole life of a process, but
 * totals must count only the time since the start of the run.
 */
export class OlderProcesses {
  readonly #table: ProcessTable;
  /**
   * Whether totals would count the end of a live process: it passes the filters and its level of detail is `summary`.
   */
  readonly #isTotalled: (slot: number) => boolean;
  readonly #older = new Map<number, Older>();

  constructor(table: ProcessTable, isTotalled: (slot: number) => boolean) {
    this.#table = table;
    this.#isTotalled = isTotalled;
  }

  /** Number of processes that have not ended, or whose exit was not found in totals yet. */
  get size(): number {
    return this.#older.size;
  }

  /**
   * Records the processes of the table. Call it when the table has been filled. It also records processes that do not
   * pass the filters, because their user, name or cgroup may change before they end.
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

  /**
   * Subtracts from the groups the earlier CPU time of processes that have ended. Call it when the table contains only
   * live processes.
   */
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
      // If it stayed longer, it would subtract from the time of another process.
      if (group || !older.isTotalled || ++older.misses >= MAX_MISSES) this.#older.delete(pid);
    }
  }
}
