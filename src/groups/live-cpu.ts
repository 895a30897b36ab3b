import { userShareNs } from "../process/cpu-time.ts";
import type { GroupRow } from "./group-row.ts";

/** A live process as the last look saw it. */
export interface LiveProcess {
  /** Low half of its start time; 0 if unknown. */
  startLow: number;
  row: GroupRow;
  /** CPU time of its life so far, ns. */
  userNs: number;
  systemNs: number;
  rssBytes: number;
}

/** The data of a sample. */
export interface Sampled {
  pid: number;
  startLow: number;
  row: GroupRow;
  /** CPU time since the previous sample of the process, ns. In its first sample: since its start. */
  runtimeNs: number;
  isFirst: boolean;
  /**
   * User and system time since its start by the kernel's ticks, ns. Only their ratio is used, to divide the exact time.
   */
  utimeNs: number;
  stimeNs: number;
  rssBytes: number;
}

/** CPU time and memory of live processes. It adds their CPU time to their groups. */
export class LiveCpu {
  readonly #processes = new Map<number, LiveProcess>();

  get size(): number {
    return this.#processes.size;
  }

  /**
   * @param counts whether the time of a process that is seen for the first time counts. False if it was used before the
   *   run
   */
  sampled(sample: Sampled, counts: boolean): void {
    const known = this.#find(sample.pid, sample.startLow);
    const { row, rssBytes, startLow, runtimeNs, isFirst, utimeNs, stimeNs } = sample;
    const before = known ?? { startLow, row, userNs: 0, systemNs: 0, rssBytes };
    // The process is new here again, for example after an exec by another thread. Then the time is that of its whole
    // life.
    const wholeNs = Math.max(
      before.userNs + before.systemNs,
      isFirst ? runtimeNs : before.userNs + before.systemNs + runtimeNs,
    );
    const share = userShareNs(wholeNs, utimeNs, stimeNs);
    // Neither part falls, even if the ticks divide the time differently than before.
    const userNs = Math.max(before.userNs, Math.min(share, wholeNs - before.systemNs));
    const systemNs = wholeNs - userNs;
    if (counts || known) before.row.addCpu(userNs - before.userNs, systemNs - before.systemNs);
    const process = before as LiveProcess;
    process.row = row;
    process.userNs = userNs;
    process.systemNs = systemNs;
    process.rssBytes = rssBytes;
    if (startLow !== 0) process.startLow = startLow;
    this.#processes.set(sample.pid, process);
  }

  /** Sets the group of a live process. @returns its resident memory, bytes; 0 if it has no sample */
  seen(pid: number, startLow: number, row: GroupRow): number {
    const known = this.#find(pid, startLow);
    if (!known) return 0;
    known.row = row;
    return known.rssBytes;
  }

  /**
   * Forgets processes that have ended.
   * @param endOf returns the group in which an exit was counted; null if the process is alive, undefined if no exit was
   *   counted
   */
  forget(endOf: (pid: number, process: LiveProcess) => GroupRow | null | undefined): void {
    for (const [pid, process] of this.#processes) {
      const row = endOf(pid, process);
      if (row === null) continue;
      // The group that counted its exit already has the time of its whole life.
      row?.addCpu(-process.userNs, -process.systemNs);
      this.#processes.delete(pid);
    }
  }

  #find(pid: number, startLow: number): LiveProcess | undefined {
    const known = this.#processes.get(pid);
    return known && isSameStart(known.startLow, startLow) ? known : undefined;
  }
}

/** Whether two start times can be the same. After a list from /proc, a start time is unknown and 0. */
export function isSameStart(a: number, b: number): boolean {
  return a === b || a === 0 || b === 0;
}
