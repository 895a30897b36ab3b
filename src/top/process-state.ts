import { NS_PER_CLOCK_TICK, readProcStat, startNsOf } from "../procfs/proc-stat.ts";

/**
 * The state of that process in /proc: `R`, `S`, `D`, `Z`, ….
 * @returns null if the process has ended, even if another process has its pid by now
 */
export function processState(pid: number, startNs: bigint | null): string | null {
  const stat = readProcStat(pid);
  if (stat === null) return null;
  // /proc rounds the start time down to a tick.
  const isOther = startNs !== null && Math.abs(Number(startNs) - startNsOf(stat.startTicks)) > 2 * NS_PER_CLOCK_TICK;
  return isOther ? null : stat.state;
}
