import { userShareNs } from "../process/cpu-time.ts";
import type { GroupRow } from "./group-row.ts";

/** A live process as the last look saw it. */
export interface LiveProcess {
  /** Low half of its start; 0: not known. */
  startLow: number;
  row: GroupRow;
  /** CPU time of its life so far, ns. */
  userNs: number;
  systemNs: number;
  rssBytes: number;
}

/** What a sample says. */
export interface Sampled {
  pid: number;
  startLow: number;
  row: GroupRow;
  /** Since the last sample of it; of one that is seen first since its start. */
  runtimeNs: number;
  isFirst: boolean;
  /** By the kernel's ticks, since its start: how the time is divided. */
  utimeNs: number;
  stimeNs: number;
  rssBytes: number;
}

/** CPU time and memory of live processes, and to which group what they use is added. */
export class LiveCpu {
  readonly #processes = new Map<number, LiveProcess>();

  get size(): number {
    return this.#processes.size;
  }

  /** @param counts false: it used its time before the run */
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
    // Neither part falls when the ticks divide the time otherwise than before.
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

  /** The live process, whose group is that one from now on. @returns its memory, bytes */
  seen(pid: number, startLow: number, row: GroupRow): number {
    const known = this.#find(pid, startLow);
    if (!known) return 0;
    known.row = row;
    return known.rssBytes;
  }

  /**
   * Forgets processes that have ended.
   * @param endOf the group in which an end was counted; null: it lives; undefined: the end was not counted
   */
  forget(endOf: (pid: number, process: LiveProcess) => GroupRow | null | undefined): void {
    for (const [pid, process] of this.#processes) {
      const row = endOf(pid, process);
      if (row === null) continue;
      // All of its life is in the group that counted its end.
      row?.addCpu(-process.userNs, -process.systemNs);
      this.#processes.delete(pid);
    }
  }

  #find(pid: number, startLow: number): LiveProcess | undefined {
    const known = this.#processes.get(pid);
    return known && isSameStart(known.startLow, startLow) ? known : undefined;
  }
}

/** A list from /proc enters no start. */
export function isSameStart(a: number, b: number): boolean {
  return a === b || a === 0 || b === 0;
}
