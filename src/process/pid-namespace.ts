import { readlinkSync } from "node:fs";

/** What /proc/PID/ns/pid links to in the initial pid namespace: PROC_PID_INIT_INO of include/linux/proc_ns.h. */
export const INITIAL_PID_NAMESPACE = "pid:[4026531836]";

/** Whether the pids of /proc are those of the kernel's events: elsewhere they are other processes' numbers. */
export function hasKernelPids(): boolean {
  try {
    return readlinkSync("/proc/self/ns/pid") === INITIAL_PID_NAMESPACE;
  } catch {
    return false; // no /proc, or that of another namespace
  }
}
