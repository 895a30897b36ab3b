import { readdirSync } from "node:fs";
import { readProcFile } from "./proc-stat.ts";

/**
 * Counts the wake-ups of a process: voluntary context switches of all its threads. A thread that goes to sleep must be
 * woken again. The count is kept per thread, so if a thread ends, only its switches since the last reading are missing.
 */
export class WakeupCounter {
  readonly #lastByTid = new Map<string, number>();
  #total = 0;

  constructor(readonly pid: number) {}

  /** Wake-ups since this counter was first read (the first reading returns 0). */
  read(): number {
    const first = this.#lastByTid.size === 0;
    for (const [tid, switches] of readVoluntarySwitches(this.pid)) {
      // A new thread was created since the last reading, so all its switches count.
      if (!first) this.#total += switches - (this.#lastByTid.get(tid) ?? 0);
      this.#lastByTid.set(tid, switches);
    }
    return this.#total;
  }
}

function readVoluntarySwitches(pid: number): [tid: string, switches: number][] {
  let tids: string[];
  try {
    tids = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  return tids.flatMap((tid) => {
    const status = readProcFile(`/proc/${pid}/task/${tid}/status`);
    const switches = /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status ?? "")?.[1];
    return switches === undefined ? [] : [[tid, Number(switches)] as [string, number]];
  });
}
