import { readFileSync, readlinkSync } from "node:fs";

/** What /proc/PID/ns/pid links to in the initial pid namespace: PROC_PID_INIT_INO of include/linux/proc_ns.h. */
export const INITIAL_PID_NAMESPACE = "pid:[4026531836]";

/** The pid namespace of this process, and the one that /proc shows. */
export interface PidNamespace {
  /** Whether this process is in the initial namespace. Events from the kernel carry the pids of that namespace. */
  readonly isInitial: boolean;
  /**
   * The namespace whose pids /proc shows: the initial one, this process's own, or a third one ("other"). Unless it is
   * "initial", the pid of an event is another process in /proc.
   */
  readonly proc: "initial" | "own" | "other";
}

/** include/linux/sched.h */
const PF_KTHREAD = 0x00200000;
/** The parent of all kernel threads, which are in the initial pid namespace only. */
const KTHREADD = "/proc/2/stat";

/** How /proc is read. Both functions return null if the path cannot be read. */
export interface ProcReader {
  link(path: string): string | null;
  text(path: string): string | null;
}

/** @param pid of this process, in its own namespace */
export function readPidNamespace({ link, text }: ProcReader = REAL_PROC, pid = process.pid): PidNamespace {
  const self = link("/proc/self");
  const own = link("/proc/self/ns/pid");
  // A kernel without pid namespaces has no link ns/pid, but the link ns/mnt.
  const isInitial = own === INITIAL_PID_NAMESPACE || (own === null && link("/proc/self/ns/mnt") !== null);
  // A process has a pid only in its own namespace and those above it. No namespace is above the initial one.
  if (isInitial) return { isInitial, proc: self === null ? "other" : "initial" };
  // Reading the link of another process needs privileges; reading the flags of a kernel thread does not.
  const ofProc = link("/proc/1/ns/pid");
  if (ofProc === INITIAL_PID_NAMESPACE || isKernelThread(text(KTHREADD))) return { isInitial, proc: "initial" };
  const isOwn = self === String(pid) && (ofProc === null || ofProc === own);
  return { isInitial, proc: isOwn ? "own" : "other" };
}

let known: PidNamespace | undefined;

/**
 * The two namespaces, read once: neither changes while this process runs, and a link may be unreadable after linnix has
 * given up root.
 */
export function pidNamespace(): PidNamespace {
  known ??= readPidNamespace();
  return known;
}

/** Whether /proc shows the pids of the kernel's events. If not, the pid of an event must not be looked up in /proc. */
export function hasKernelPids(): boolean {
  return pidNamespace().proc === "initial";
}

/** proc_pid_stat(5): the ninth field. */
function isKernelThread(stat: string | null): boolean {
  const flags = stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[6];
  return (Number(flags ?? 0) & PF_KTHREAD) !== 0;
}

const orNull = (read: () => string): string | null => {
  try {
    return read();
  } catch {
    return null;
  }
};

const REAL_PROC: ProcReader = {
  link: (path) => orNull(() => readlinkSync(path)),
  text: (path) => orNull(() => readFileSync(path, "latin1")),
};
