import { readFileSync } from "node:fs";
import { boottimeOffsetNs } from "../sys/time-namespace.ts";

/**
 * Unit of the times in /proc/<pid>/stat and /proc/stat, ns: USER_HZ is 100 on every architecture that Bun runs on
 * (include/asm-generic/param.h), whatever the kernel's own tick is.
 */
export const NS_PER_CLOCK_TICK = 10_000_000;

/** include/linux/sched.h */
const PF_KTHREAD = 0x00200000;

/** The fields of /proc/<pid>/stat that measuring needs; proc_pid_stat(5). Times in clock ticks of 10 ms. */
export interface ProcStat {
  pid: number;
  comm: string;
  state: string;
  ppid: number;
  /** Whether it is a kernel thread. */
  isKernelThread: boolean;
  utimeTicks: number;
  stimeTicks: number;
  /** Of waited-for children, including the waited-for descendants of those. */
  cutimeTicks: number;
  cstimeTicks: number;
  threads: number;
  /** Start after boot: with `pid`, the process's identity. */
  startTicks: number;
}

/**
 * The start time of /proc/PID/stat on the kernel's own boot-time clock, ns, rounded down to a tick. In a time namespace
 * /proc shows it shifted (timens_add_boottime_ns), as an unsigned number: below 0 it wraps around at 2^64 ns.
 */
export function startNsOf(startTicks: number): number {
  const offsetNs = boottimeOffsetNs();
  if (offsetNs === 0n) return startTicks * NS_PER_CLOCK_TICK;
  return Number(BigInt.asIntN(64, BigInt(startTicks) * BigInt(NS_PER_CLOCK_TICK) - offsetNs));
}

/** Parses the one line of /proc/<pid>/stat. @returns null if the text is not such a line */
export function parseProcStat(line: string): ProcStat | null {
  // comm may hold spaces and parentheses; nothing after it does.
  const open = line.indexOf("(");
  const close = line.lastIndexOf(")");
  if (open < 0 || close < open) return null;
  // `fields[0]` is field 3 of the manual page.
  const fields = line.slice(close + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3]);
  const stat: ProcStat = {
    pid: Number(line.slice(0, open)),
    comm: line.slice(open + 1, close),
    state: fields[0] ?? "",
    ppid: field(4),
    isKernelThread: (field(9) & PF_KTHREAD) !== 0,
    utimeTicks: field(14),
    stimeTicks: field(15),
    cutimeTicks: field(16),
    cstimeTicks: field(17),
    threads: field(20),
    startTicks: field(22),
  };
  return Number.isInteger(stat.pid) && Number.isInteger(stat.startTicks) ? stat : null;
}

/** @returns null if the process does not exist or has ended */
export function readProcStat(pid: number): ProcStat | null {
  const line = readProcFile(`/proc/${pid}/stat`);
  return line === null ? null : parseProcStat(line);
}

/** User and group of a process: real and effective. */
export interface ProcIds {
  uid: number;
  gid: number;
  euid: number;
  egid: number;
}

/**
 * The users and groups of a process, from its status file. The owner of /proc/<pid> can differ from `uid`: it is root
 * if the process may not be dumped, for example after it has given up root.
 *
 * @returns null if the process does not exist or has ended
 */
export function readProcIds(pid: number): ProcIds | null {
  const status = readProcFile(`/proc/${pid}/status`);
  const ids = /^Uid:\t(\d+)\t(\d+)\t.*\nGid:\t(\d+)\t(\d+)\t/m.exec(status ?? "");
  return ids && { uid: Number(ids[1]), euid: Number(ids[2]), gid: Number(ids[3]), egid: Number(ids[4]) };
}

/**
 * A file of /proc, decoded as Latin-1, because names in it may contain any byte.
 *
 * @returns null if the file cannot be read, or its process has ended
 */
export function readProcFile(path: string): string | null {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return null;
  }
}
