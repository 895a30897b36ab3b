import type {} from "../observers/observer.ts";
import type { CpuUsage } from "../sys/child.ts";
import type { MethodReading } from "./method-meter.ts";

/** The looks of a polling method. */
export interface Looks {
  count: number;
  elapsedNs: number;
  cpuNs: number;
  /** Whether it starts a program for each look. */
  isLoop: boolean;
}

/**
 * The looks (polls) of a method between two readings of its CPU time. The first reading must be taken after the first
 * look has written its output. For a loop that starts a program for each look, the CPU time comes from `usage`: the
 * exact sum of the kernel at the end of the loop, its start included. While the loop runs, the kernel shows the time of
 * ended children in steps of 10 ms only, and a few looks use less than a step.
 *
 * @param usage of the whole run; null if not known
 * @param listings number of listings in the whole output
 * @returns null if there were fewer than two listings
 */
export function looksBetween(
  first: MethodReading,
  last: MethodReading,
  usage: CpuUsage | null,
  listings: number,
): Looks | null {
  const count = listings - 1;
  if (count < 1) return null;
  const elapsedNs = last.atNs - first.atNs;
  const isLoop = usage !== null && last.waitedForNs > last.cpuNs / 2;
  const cpuNs = isLoop ? ((usage.cpuUserUs + usage.cpuSystemUs) * 1000 * count) / listings : last.cpuNs - first.cpuNs;
  return { count, elapsedNs, cpuNs, isLoop };
}

/** CPU time of a loop in a window, ns. The loop alternates between a look and a pause of `intervalMs`. */
export function loopCpuNs({ count, cpuNs }: Looks, intervalMs: number, windowNs: number): number {
  const lookNs = cpuNs / count;
  return (windowNs * lookNs) / (intervalMs * 1e6 + lookNs);
}

/**
 * Looks a second. If the number of looks agrees with the interval, it is the nominal rate, because few looks measure
 * their rate only roughly. Otherwise it is the number of looks, plus half for one that had begun, over the time.
 */
export function looksPerSecond({ count, elapsedNs }: Pick<Looks, "count" | "elapsedNs">, intervalMs: number): number {
  const seconds = elapsedNs / 1e9;
  const nominal = 1000 / intervalMs;
  const agrees = count <= nominal * seconds && nominal * seconds < count + 1;
  return agrees ? nominal : (count + 0.5) / seconds;
}
