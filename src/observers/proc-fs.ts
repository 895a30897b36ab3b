import { readdirSync, readlinkSync } from "node:fs";
import { readProcFile, readProcStat } from "../procfs/proc-stat.ts";

/** Whether a process exists and has not ended. A zombie has ended, but its parent has not waited for it yet. */
export function isAlive(pid: number): boolean {
  const stat = readProcStat(pid);
  return stat !== null && stat.state !== "Z" && stat.state !== "X";
}

/** Whether `pid` is this process or one of its descendants, according to the current parents. */
export function isOurs(pid: number): boolean {
  for (let at = pid; at > 0; ) {
    if (at === process.pid) return true;
    const stat = readProcStat(at);
    if (stat === null) return false;
    at = stat.ppid;
  }
  return false;
}

/** The pid of each thread's tracer, or 0, for all threads of `pid`. Empty if there is no such process. */
export function tracersOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((tid) => {
      const status = readProcFile(`/proc/${pid}/task/${tid}/status`);
      return Number(/^TracerPid:\t(\d+)/m.exec(status ?? "")?.[1] ?? 0);
    });
  } catch {
    return [];
  }
}

/** Whether a process has a handler for a signal, by its number. */
export function catchesSignal(pid: number, signal: number): boolean {
  const mask = /^SigCgt:\t([0-9a-f]+)$/m.exec(readProcFile(`/proc/${pid}/status`) ?? "")?.[1] ?? "0";
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

/** Whether a process has a file descriptor of a BPF program. */
export function holdsBpfProgram(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`) === "anon_inode:bpf-prog";
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

/**
 * Whether the main thread of a process sleeps in poll or epoll. If the kernel does not show where it sleeps, any sleep
 * counts.
 */
export function sleepsInPoll(pid: number): boolean {
  const symbol = readProcFile(`/proc/${pid}/wchan`) ?? "";
  if (symbol !== "" && symbol !== "0") return /poll/.test(symbol);
  return readProcStat(pid)?.state === "S";
}

/** Pids of the kernel threads with this name: children of kthreadd, which is pid 2. */
export function kernelThreadsNamed(comm: string): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        const stat = readProcStat(pid);
        return stat !== null && stat.ppid === 2 && stat.comm === comm;
      });
  } catch {
    return [];
  }
}

/** A counter of /proc/PID/io, such as `wchar`. It includes children that were waited for. Null if it cannot be read. */
export function readProcIo(pid: number, field: string): number | null {
  const found = new RegExp(`^${field}: (\\d+)$`, "m").exec(readProcFile(`/proc/${pid}/io`) ?? "")?.[1];
  return found === undefined ? null : Number(found);
}
