import type { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import { NS_PER_CLOCK_TICK, type ProcStat, readProcStat } from "../procfs/proc-stat.ts";
import type { Group } from "./group.ts";
import { groupKeyOf } from "./used.ts";

interface Older {
  startLow: number;
  /** Its group when it was looked at last. */
  key: string;
  userNs: number;
  systemNs: number;
}

/**
 * What processes had used before the run began: the kernel side adds up the whole life of a process, and totals are to
 * count only what was used since then.
 */
export class OlderProcesses {
  readonly #table: ProcessTable;
  readonly #older = new Map<number, Older>();

  constructor(table: ProcessTable) {
    this.#table = table;
  }

  /** Takes the processes of the table. To be called once it has been filled. */
  begin(read: (pid: number) => Pick<ProcStat, "utimeTicks" | "stimeTicks"> | null = readProcStat): void {
    const table = this.#table;
    for (const slot of table.liveSlots()) {
      const stat = read(table.pid(slot));
      if (stat === null || stat.utimeTicks + stat.stimeTicks === 0) continue;
      this.#older.set(table.pid(slot), {
        startLow: table.startLow(slot),
        key: groupKeyOf(table, slot),
        userNs: stat.utimeTicks * NS_PER_CLOCK_TICK,
        systemNs: stat.stimeTicks * NS_PER_CLOCK_TICK,
      });
    }
  }

  /** Takes from groups what processes that ended had used before. To be called when the table has only live processes. */
  subtract(groups: readonly Group[]): void {
    const table = this.#table;
    for (const [pid, older] of this.#older) {
      const slot = table.findLive(pid);
      if (slot !== NO_SLOT && table.startLow(slot) === older.startLow) {
        older.key = groupKeyOf(table, slot);
        continue;
      }
      const group = groups.find(({ key }) => key === older.key);
      // The list may be older than the totals: it ended between both, or its end is in the next interval.
      if (!group || group.exited === 0) continue;
      group.takeOff(older.userNs, older.systemNs);
      this.#older.delete(pid);
    }
  }
}
