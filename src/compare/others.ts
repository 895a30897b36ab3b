import { readProcFile } from "../procfs/proc-stat.ts";

/** A stretch of time, and the tasks that others forked in it. */
export interface ForkSpan {
  ns: number;
  /** Threads too; null if the kernel does not count. */
  forkedByOthers: number | null;
}

/** What an event method reported about processes outside the workload. */
export interface ReportedOthers {
  /** Processes that executed a program by its reports, all the time that it watched. */
  executed: number;
  /**
   * Spawns of linnix outside the workload during that time: timed ones and those of the warm-up. Each executes once.
   */
  spawns: number;
  watched: ForkSpan;
  window: ForkSpan;
}

/**
 * Processes of others that a method reported in its window: an estimate, since what it prints has no common clock. A
 * process counts by its exec, which every such method reports once. The window has the share of them that it has of the
 * forks of others, or where those are not counted, of the time. Never more than the kernel has forked.
 */
export function othersReported({ executed, spawns, watched, window }: ReportedOthers): number {
  const reported = Math.max(0, executed - spawns);
  if (watched.forkedByOthers === null || window.forkedByOthers === null) return (reported * window.ns) / watched.ns;
  if (watched.forkedByOthers <= 0) return 0;
  const share = Math.min(1, window.forkedByOthers / watched.forkedByOthers);
  return Math.min(reported * share, window.forkedByOthers);
}

/** Forks of the whole machine since its boot, threads too (proc(5), /proc/stat); null if the kernel does not count. */
export function machineForks(): number | null {
  const found = /^processes (\d+)$/m.exec(readProcFile("/proc/stat") ?? "")?.[1];
  return found === undefined ? null : Number(found);
}

/** Forks between two counts that were not ours; null if either is not known. */
export function forkedByOthers(before: number | null, after: number | null, ours: number): number | null {
  return before === null || after === null ? null : Math.max(0, after - before - ours);
}
