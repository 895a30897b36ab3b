/**
 * User and system time of a process that is gone. The run time is exact, utime
 * and stime are sampled by ticks: their ratio splits it, as the kernel does for
 * getrusage(2) (kernel/sched/cputime.c, cputime_adjust): no system tick makes
 * all of it user time, else no user tick all of it system time.
 *
 * @returns user time; the rest of `runtimeNs` is system time. All in ns.
 */
export function userShareNs(runtimeNs: number, utimeNs: number, stimeNs: number): number {
  if (stimeNs === 0) return runtimeNs;
  if (utimeNs === 0) return 0;
  // Rounding must not make the share larger than the whole: system time would be less than nothing.
  return Math.min(runtimeNs, Math.round((runtimeNs * utimeNs) / (utimeNs + stimeNs)));
}

/** The scheduler brings a running task's sum up to date at every tick, which is 10 ms apart at most. */
const MAX_UNACCOUNTED_NS = 20e6;

/**
 * What the last thread ran since the scheduler last added it up, ns. A
 * difference that no tick can have left open comes of a task that was moved
 * between scheduler queues while it ran: then nothing is added. Where the
 * processor's counter is not steady (guests without hardware support), the
 * scheduler's clock jumps at ticks: nothing ran for longer than its process lived.
 *
 * @param lifetimeNs of the process; negative: not known
 */
export function unaccountedNs(differenceNs: number, lifetimeNs: number): number {
  if (differenceNs <= 0 || differenceNs >= MAX_UNACCOUNTED_NS) return 0;
  return lifetimeNs < 0 ? differenceNs : Math.min(differenceNs, lifetimeNs);
}
