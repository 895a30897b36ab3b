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
 * The looks (polls) that the method made between two readings of its CPU time. The first reading is taken once the first look has written output. For a loop that starts programs, the
 * exact sum that the kernel gives at its end counts, with the small cost of its start: clocks of running processes have
 * steps of 10 ms, and few looks fill one.
 *
 * @param listings in the whole output
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

/** CPU time of a loop within a window, ns: a look, then a pause of the interval, then the next. */
export function loopCpuNs({ count, cpuNs }: Looks, intervalMs: number, windowNs: number): number {
  const lookNs = cpuNs / count;
  return (windowNs * lookNs) / (intervalMs * 1e6 + lookNs);
}

/**
 * Looks a second, from the number of looks between two moments, with a part of one more. If the interval agrees with that
 * number, the interval counts, because few looks measure their own rate only roughly.
 */
export function looksPerSecond({ count, elapsedNs }: Pick<Looks, "count" | "elapsedNs">, intervalMs: number): number {
  const seconds = elapsedNs / 1e9;
  const nominal = 1000 / intervalMs;
  const agrees = count <= nominal * seconds && nominal * seconds < count + 1;
  return agrees ? nominal : (count + 0.5) / seconds;
}
