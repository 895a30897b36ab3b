/** Reads from /proc what a process executes, as far as the kernel takes no lock of the process for that. */
import { openSync, readlinkSync } from "node:fs";
import { hasKernelPids } from "../procfs/pid-namespace.ts";
import { NS_PER_CLOCK_TICK, readProcStat, startNsOf } from "../procfs/proc-stat.ts";

const DELETED = Buffer.from(" (deleted)");

/**
 * Path of the executable. If the file has been deleted, its last path.
 * @param pid the kernel's
 * @returns null if linnix may not read it; undefined if there is none, as for a kernel thread and an ended process, or
 *   if /proc shows the pids of another namespace
 */
export function readExe(pid: number): Uint8Array | null | undefined {
  // In /proc, that number may be the pid of another process.
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
 * Opens the command line. Returns a descriptor, or null if linnix cannot open it. Opening takes no lock, but reading
 * does: see `ImageReader`.
 */
export function openCommandLine(pid: number): number | null {
  try {
    return openSync(`/proc/${pid}/cmdline`, "r");
  } catch {
    return null;
  }
}

/**
 * Whether the process of that pid started at that time, to within two ticks.
 * @param startNs CLOCK_BOOTTIME of the kernel, ns; if it is 0 (unknown), the function returns true
 */
export function beganThen(pid: number, startNs: number): boolean {
  if (startNs <= 0) return true;
  const stat = readProcStat(pid);
  return stat !== null && Math.abs(startNsOf(stat.startTicks) - startNs) <= 2 * NS_PER_CLOCK_TICK;
}
