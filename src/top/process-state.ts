import { NS_PER_CLOCK_TICK, readProcStat, startNsOf } from "../procfs/proc-stat.ts";

/**
 * The state of that process as /proc shows it: `R`, `S`, `D`, `Z`, ….
 * @returns null if it has ended, or the pid is another process's by now
 */
export function processState(pid: number, startNs: bigint | null): string | null {
  const stat = readProcStat(pid);
  if (stat === null) return null;
  // /proc rounds down to a tick.
  const isOther = startNs !== null && Math.abs(Number(startNs) - startNsOf(stat.startTicks)) > 2 * NS_PER_CLOCK_TICK;
  return isOther ? null : stat.state;
}
