/** What a process that ran before us executes: /proc is the only one to ask. */
import { closeSync, openSync, readlinkSync } from "node:fs";
import { NS_PER_CLOCK_TICK, readProcStat, startNsOf } from "../proc-stat.ts";
import { readInto } from "../read-into.ts";
import type { ProcessTable } from "./table.ts";

/** Path and arguments as raw bytes; null what cannot be read. */
export interface ProcImage {
  exe: Uint8Array | null;
  args: Uint8Array | null;
  /** Whether arguments were left out for `maxBytes`. */
  argsCut: boolean;
}

const DELETED = Buffer.from(" (deleted)");

/**
 * Reads the image of the process that started at `startNs` (boot time; 0: not known).
 * @returns undefined when the pid is another process's by now
 */
export function readProcImage(pid: number, startNs: number, maxBytes: number): ProcImage | undefined {
  const exe = read(() => readlinkSync(`/proc/${pid}/exe`, { encoding: "buffer" }));
  const path = exe?.subarray(-DELETED.length).equals(DELETED) ? exe.subarray(0, -DELETED.length) : exe;
  const room = Math.max(0, maxBytes - (path?.length ?? 0));
  // A byte more, which says that there are more.
  const args = read(() => readStart(`/proc/${pid}/cmdline`, room + 1));
  if (startNs > 0) {
    const stat = readProcStat(pid);
    if (stat === null) return undefined;
    if (Math.abs(startNsOf(stat.startTicks) - startNs) > 2 * NS_PER_CLOCK_TICK) return undefined;
  }
  // A kernel thread has an empty command line: no arguments are known of it.
  const known = args && args.length > 0 ? args : null;
  return {
    exe: path && path.length <= maxBytes ? path : null,
    args: known === null ? null : known.subarray(0, room),
    argsCut: known !== null && known.length > room,
  };
}

/** What a live process of the table executes; undefined: it is gone. */
export function imageNow(table: ProcessTable, slot: number, maxBytes: number): ProcImage | undefined {
  return readProcImage(table.pid(slot), table.startHigh(slot) * 4294967296 + table.startLow(slot), maxBytes);
}

/**
 * The first bytes of a file. A process says by itself where its command line ends (prctl(2), PR_SET_MM_MAP, which needs
 * no privilege): all of it may be more than this machine has memory.
 */
function readStart(path: string, most: number): Buffer {
  const fd = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(most);
    return bytes.subarray(0, readInto(fd, bytes));
  } finally {
    closeSync(fd);
  }
}

function read(from: () => Buffer): Buffer | null {
  try {
    return from();
  } catch {
    return null; // gone, a kernel thread, or not ours to look at
  }
}
