/**
 * Splits the run time of an ended process into user and system time. The run time is exact. The kernel only samples
 * utime and stime, at ticks, so their ratio splits the run time. The kernel does the same for getrusage(2)
 * (kernel/sched/cputime.c, cputime_adjust): without a system tick, all of the run time is user time. With system ticks
 * but no user tick, all of it is system time.
 *
 * @returns user time; the rest of `runtimeNs` is system time. All times are in ns.
 */
export function userShareNs(runtimeNs: number, utimeNs: number, stimeNs: number): number {
  if (stimeNs === 0) return runtimeNs;
  if (utimeNs === 0) return 0;
  // Rounding must not make the user time larger than the run time, because the system time would be negative.
  return Math.min(runtimeNs, Math.round((runtimeNs * utimeNs) / (utimeNs + stimeNs)));
}

/** The scheduler updates the run time of a running task at every tick. Ticks are at most 10 ms apart. */
const MAX_UNACCOUNTED_NS = 20e6;

/**
 * The time that the last thread ran since the scheduler last updated its run time, ns. Returns 0 if the difference is
 * longer than ticks allow, because the task was then moved between scheduler queues while it ran. The result is at most
 * the lifetime of the process: without a steady processor counter (guests without hardware support), the scheduler's
 * clock jumps at ticks.
 *
 * @param differenceNs from the last update to the exit, by the scheduler's clock
 * @param lifetimeNs of the process; negative: not known
 */
export function unaccountedNs(differenceNs: number, lifetimeNs: number): number {
  if (differenceNs <= 0 || differenceNs >= MAX_UNACCOUNTED_NS) return 0;
  return lifetimeNs < 0 ? differenceNs : Math.min(differenceNs, lifetimeNs);
}
