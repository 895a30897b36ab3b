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
  return Math.round((runtimeNs * utimeNs) / (utimeNs + stimeNs));
}
