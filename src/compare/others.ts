import { readProcFile } from "../procfs/proc-stat.ts";

/** A period, and the tasks that other programs forked in it. */
export interface ForkSpan {
  ns: number;
  /** Threads included; null if the kernel does not count forks. */
  forkedByOthers: number | null;
}

/** What an event method reported about processes outside the workload. */
export interface ReportedOthers {
  /** Processes outside the workload that executed a program while it watched, by its reports. */
  executed: number;
  /**
   * Spawns of linnix outside the workload in that time: timed spawns and those of the warm-up. Each executes once.
   */
  spawns: number;
  /** All the time that it watched. */
  watched: ForkSpan;
  /** The part of it between the two readings of the clocks. */
  window: ForkSpan;
}

/**
 * Estimates how many processes of other programs a method reported in its window. It is an estimate, because the
 * outputs of the methods have no common clock. A process counts by its exec, which every such method reports once. The
 * share of the window is its share of the forks of others, or, if the kernel does not count forks, its share of the
 * time. The result is never more than the number of counted forks.
 */
export function othersReported({ executed, spawns, watched, window }: ReportedOthers): number {
  const reported = Math.max(0, executed - spawns);
  if (watched.forkedByOthers === null || window.forkedByOthers === null) return (reported * window.ns) / watched.ns;
  if (watched.forkedByOthers <= 0) return 0;
  const share = Math.min(1, window.forkedByOthers / watched.forkedByOthers);
  return Math.min(reported * share, window.forkedByOthers);
}

/** Forks of the whole machine since its boot, threads included (/proc/stat, see proc(5)); null if not counted. */
export function machineForks(): number | null {
  const found = /^processes (\d+)$/m.exec(readProcFile("/proc/stat") ?? "")?.[1];
  return found === undefined ? null : Number(found);
}

/** Forks of other programs between two counts; null if a count is not known. @param ours forks of linnix */
export function forkedByOthers(before: number | null, after: number | null, ours: number): number | null {
  return before === null || after === null ? null : Math.max(0, after - before - ours);
}
