import type {} from "../observers/observer.ts";
import type { CpuUsage } from "../sys/child.ts";
import type { MethodReading } from "./method-meter.ts";

/** What the looks of a method that polls came to. */
export interface Looks {
  count: number;
  elapsedNs: number;
  cpuNs: number;
  /** Whether it starts a program for each look. */
  isLoop: boolean;
}

/**
 * Looks between two readings, of which the first was taken when the first look was just over. A loop that starts
 * programs is told by the exact sum that the kernel gives at its end, its small start-up included: its clocks while it
 * runs go in steps of 10 ms, of which a look is not many.
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

/** Processor time of a loop within a window, ns: a look, then a pause of the interval, then the next. */
export function loopCpuNs({ count, cpuNs }: Looks, intervalMs: number, windowNs: number): number {
  const lookNs = cpuNs / count;
  return (windowNs * lookNs) / (intervalMs * 1e6 + lookNs);
}

/**
 * Looks a second: so many fell between two moments, and a part of one more. That of the interval where it agrees with
 * that, since few looks tell their own rate only roughly.
 */
export function looksPerSecond({ count, elapsedNs }: Pick<Looks, "count" | "elapsedNs">, intervalMs: number): number {
  const seconds = elapsedNs / 1e9;
  const nominal = 1000 / intervalMs;
  const agrees = count <= nominal * seconds && nominal * seconds < count + 1;
  return agrees ? nominal : (count + 0.5) / seconds;
}
