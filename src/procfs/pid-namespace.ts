import { readFileSync, readlinkSync } from "node:fs";

/** What /proc/PID/ns/pid links to in the initial pid namespace: PROC_PID_INIT_INO of include/linux/proc_ns.h. */
export const INITIAL_PID_NAMESPACE = "pid:[4026531836]";

/** In which pid namespace this process is, and which one /proc shows. */
export interface PidNamespace {
  /** Whether this process is in the initial one, whose pids the kernel's events carry. */
  readonly isInitial: boolean;
  /**
   * Whose pids /proc has: those of the kernel's events ("initial"), or other numbers of this process's namespace ("own")
   * or of a third one ("other"). Where /proc has not the kernel's pids, an event's pid is another process there.
   */
  readonly proc: "initial" | "own" | "other";
}

/** include/linux/sched.h */
const PF_KTHREAD = 0x00200000;
/** The parent of all kernel threads, which are in the initial pid namespace only. */
const KTHREADD = "/proc/2/stat";

/** How /proc is read; each gives null if it cannot be read. */
export interface ProcReader {
  link(path: string): string | null;
  text(path: string): string | null;
}

/** @param pid of this process, in its own namespace */
export function readPidNamespace({ link, text }: ProcReader = REAL_PROC, pid = process.pid): PidNamespace {
  const self = link("/proc/self");
  const own = link("/proc/self/ns/pid");
  // A kernel without pid namespaces has no such link, but the others.
  const isInitial = own === INITIAL_PID_NAMESPACE || (own === null && link("/proc/self/ns/mnt") !== null);
  // Only the namespaces above a process, and its own, have a pid for it: above the initial one there is none.
  if (isInitial) return { isInitial, proc: self === null ? "other" : "initial" };
  // The link of another process takes privileges; the flags of a kernel thread do not.
  const ofProc = link("/proc/1/ns/pid");
  if (ofProc === INITIAL_PID_NAMESPACE || isKernelThread(text(KTHREADD))) return { isInitial, proc: "initial" };
  const isOwn = self === String(pid) && (ofProc === null || ofProc === own);
  return { isInitial, proc: isOwn ? "own" : "other" };
}

let known: PidNamespace | undefined;

/** Read once: neither changes while this process runs, and a link may be unreadable after linnix has given up root. */
export function pidNamespace(): PidNamespace {
  known ??= readPidNamespace();
  return known;
}

/** Whether /proc has the pids of the kernel's events. If not, no file of /proc may be read by such a pid. */
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
