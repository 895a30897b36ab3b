/** The kernel's own count of created tasks. */
import { readFileSync, statfsSync } from "node:fs";
import { readProcFile } from "./proc-stat.ts";

const PROC_STAT = "/proc/stat";
/** include/uapi/linux/magic.h */
const PROC_SUPER_MAGIC = 0x9fa0;

/**
 * `processes` of /proc/stat: total_forks of kernel/fork.c. copy_process() increments it for each process, thread and
 * kernel thread, in all pid namespaces. @returns null if the text has no such line
 */
export function parseCreatedTasks(text: string): number | null {
  const count = /^processes (\d+)$/m.exec(text)?.[1];
  return count === undefined ? null : Number(count);
}

/** @returns null if the file cannot be read now, for example because no file descriptor is free */
export function readCreatedTasks(path = PROC_STAT): number | null {
  return parseCreatedTasks(readProcFile(path) ?? "");
}

/** Why /proc/stat does not contain the kernel's count, as a clause for a message; null if it does. */
export function whyNoCreatedTasks(path = PROC_STAT): string | null {
  try {
    // lxcfs and similar tools mount a file of their own over it.
    if (statfsSync(path).type !== PROC_SUPER_MAGIC) return `${path} is not the kernel's own file`;
    return parseCreatedTasks(readFileSync(path, "latin1")) === null ? `${path} has no line "processes"` : null;
  } catch (error) {
    return `${path} cannot be read: ${(error as Error).message}`;
  }
}
