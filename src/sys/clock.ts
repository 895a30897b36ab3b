/** Kernel clocks in nanoseconds, as the kernel stamps its events: in a time namespace the offset is taken off. */

import { checkLibc } from "./errno.ts";
import { libc } from "./libc.ts";
import { addressOf } from "./native.ts";
import { boottimeOffsetNs } from "./time-namespace.ts";

/** include/uapi/linux/time.h */
const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;

const time = new BigInt64Array(2);
const timeAddress = addressOf(time);

function read(clock: number): void {
  checkLibc("clock_gettime", libc().clock_gettime(clock, timeAddress));
}

/** Of CLOCK_BOOTTIME in the time namespace of this process, as two numbers that are exact. */
let offset: { seconds: number; nanoseconds: number } | undefined;

function boottimeOffset(): { seconds: number; nanoseconds: number } {
  const ns = boottimeOffsetNs();
  return { seconds: Number(ns / 1_000_000_000n), nanoseconds: Number(ns % 1_000_000_000n) };
}

/** CLOCK_BOOTTIME of the kernel in ns as a double: exact up to 104 days of uptime, to a few ns after that. */
export function boottimeNs(): number {
  offset ??= boottimeOffset();
  read(CLOCK_BOOTTIME);
  return (Number(time[0]) - offset.seconds) * 1e9 + (Number(time[1]) - offset.nanoseconds);
}

/** CLOCK_MONOTONIC in ns, as exact: the same, but that it stands still while the machine is suspended. */
export function monotonicNs(): number {
  read(CLOCK_MONOTONIC);
  return Number(time[0]) * 1e9 + Number(time[1]);
}

function nowNs(clock: number): bigint {
  read(clock);
  return (time[0] as bigint) * 1_000_000_000n + (time[1] as bigint);
}

/** CLOCK_BOOTTIME of the kernel in ns, exact whatever the uptime: for what is told, not for what happens often. */
export function exactBoottimeNs(): bigint {
  return nowNs(CLOCK_BOOTTIME) - boottimeOffsetNs();
}

/** `realtimeOffsetNs` by one look at each clock: off by what may come between both looks, and cheap. */
export function roughRealtimeOffsetNs(): number {
  const bootNs = boottimeNs();
  read(CLOCK_REALTIME);
  return Number(time[0]) * 1e9 + Number(time[1]) - bootNs;
}

/** What to add to a CLOCK_BOOTTIME value of the kernel to get wall-clock time (ns since 1970): changes when the clock is set. */
export function realtimeOffsetNs(): bigint {
  // The wall clock is read between two looks at the other one: half their distance is the error, and the
  // smallest of a few tries is taken, for this thread may be put aside between the calls.
  let best = 0n;
  let bestGap = 1n << 62n;
  for (let i = 0; i < 5; i++) {
    const before = exactBoottimeNs();
    const wall = nowNs(CLOCK_REALTIME);
    const gap = exactBoottimeNs() - before;
    if (gap < bestGap) {
      bestGap = gap;
      best = wall - before - gap / 2n;
    }
  }
  return best;
}
