/** Reads the program of a process from /proc, as far as that needs no lock of the process. */
import { openSync, readlinkSync } from "node:fs";
import { hasKernelPids } from "../procfs/pid-namespace.ts";
import { NS_PER_CLOCK_TICK, readProcStat, startNsOf } from "../procfs/proc-stat.ts";

const DELETED = Buffer.from(" (deleted)");

/**
 * Path of the executable, as it was when the process began to execute it.
 * @param pid the kernel's
 * @returns null: not ours to look at; undefined: there is none, as for a kernel thread and a process that is gone
 */
export function readExe(pid: number): Uint8Array | null | undefined {
  // Another process has that number in /proc.
  if (!hasKernelPids()) return undefined;
  try {
    const exe = readlinkSync(`/proc/${pid}/exe`, { encoding: "buffer" });
    return exe.subarray(-DELETED.length).equals(DELETED) ? exe.subarray(0, -DELETED.length) : exe;
  } catch (error) {
    const { code } = error as { code?: unknown };
    return code === "ENOENT" || code === "ESRCH" ? undefined : null;
  }
}

/**
 * A descriptor of the command line; null: there is none for us. To open it takes no lock, to read it does: see
 * `ImageReader`.
 */
export function openCommandLine(pid: number): number | null {
  try {
    return openSync(`/proc/${pid}/cmdline`, "r");
  } catch {
    return null;
  }
}

/**
 * Whether the process of that pid is the one that began at that time, to two ticks.
 * @param startNs boot time of the kernel; 0: unknown, and any process with the pid counts as the one
 */
export function beganThen(pid: number, startNs: number): boolean {
  if (startNs <= 0) return true;
  const stat = readProcStat(pid);
  return stat !== null && Math.abs(startNsOf(stat.startTicks) - startNs) <= 2 * NS_PER_CLOCK_TICK;
}
