/** The kernel's own count of created tasks. */
import { readFileSync, statfsSync } from "node:fs";
import { readProcFile } from "./proc-stat.ts";

const PROC_STAT = "/proc/stat";
/** include/uapi/linux/magic.h */
const PROC_SUPER_MAGIC = 0x9fa0;

/**
 * `processes` of /proc/stat: total_forks of kernel/fork.c, which copy_process() raises for each new process, thread and
 * kernel thread since boot, also in a pid namespace. @returns null if there is no such line
 */
export function parseCreatedTasks(text: string): number | null {
  const count = /^processes (\d+)$/m.exec(text)?.[1];
  return count === undefined ? null : Number(count);
}

/** @returns null if it cannot be read now, as without a spare descriptor */
export function readCreatedTasks(path = PROC_STAT): number | null {
  return parseCreatedTasks(readProcFile(path) ?? "");
}

/** Why /proc/stat does not have the kernel's count here, as a clause; null if it does. */
export function whyNoCreatedTasks(path = PROC_STAT): string | null {
  try {
    // lxcfs and others put files of their own over it.
    if (statfsSync(path).type !== PROC_SUPER_MAGIC) return `${path} is not the kernel's own file`;
    return parseCreatedTasks(readFileSync(path, "latin1")) === null ? `${path} has no line "processes"` : null;
  } catch (error) {
    return `${path} cannot be read: ${(error as Error).message}`;
  }
}
