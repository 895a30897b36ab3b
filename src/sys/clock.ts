/** Kernel clocks in ns, comparable with the times of kernel events: the offset of a time namespace is subtracted. */

import { checkLibc } from "./errno.ts";
import { libc } from "./libc.ts";
import { addressOf } from "./native.ts";
import { boottimeOffsetNs } from "./time-namespace.ts";

/** Clock ids of clock_gettime(2): include/uapi/linux/time.h. */
export const CLOCK = { realtime: 0, monotonic: 1, processCpu: 2, threadCpu: 3, boottime: 7 } as const;
const RUSAGE_CHILDREN = -1;
/** sizeof(struct rusage) / 8 on every 64-bit Linux: two timevals and 14 longs. */
export const RUSAGE_WORDS = 18;

const time = new BigInt64Array(2);
/** The same memory as 32-bit words. A relative time reads only the low words, so it allocates no bigint. */
const words = new Uint32Array(time.buffer);
const timeAddress = addressOf(time);

function read(clock: number): void {
  checkLibc("clock_gettime", libc().clock_gettime(clock, timeAddress));
}

/** Offset of CLOCK_BOOTTIME in the time namespace of this process, as two numbers that are exact. */
let offset: { seconds: number; nanoseconds: number } | undefined;

function boottimeOffset(): { seconds: number; nanoseconds: number } {
  const ns = boottimeOffsetNs();
  return { seconds: Number(ns / 1_000_000_000n), nanoseconds: Number(ns % 1_000_000_000n) };
}

/** CLOCK_BOOTTIME of the kernel in ns as a double: exact up to 104 days of uptime, to a few ns after that. */
export function boottimeNs(): number {
  offset ??= boottimeOffset();
  read(CLOCK.boottime);
  return (Number(time[0]) - offset.seconds) * 1e9 + (Number(time[1]) - offset.nanoseconds);
}

/**
 * CLOCK_MONOTONIC in ns, as exact as {@link boottimeNs}. Unlike CLOCK_BOOTTIME, it stops while the machine is
 * suspended.
 */
export function monotonicNs(): number {
  read(CLOCK.monotonic);
  return Number(time[0]) * 1e9 + Number(time[1]);
}

function nowNs(clock: number): bigint {
  read(clock);
  return (time[0] as bigint) * 1_000_000_000n + (time[1] as bigint);
}

function offsetOf(clock: number): bigint {
  return clock === CLOCK.boottime ? boottimeOffsetNs() : 0n;
}

/** A clock's time in ns, exact. */
export function clockNs(clock: number): bigint {
  return nowNs(clock) - offsetOf(clock);
}

/** Reads a clock as ns since `originNs`, the time of construction. The number is exact for 104 days. */
export class RelativeClock {
  readonly originNs: bigint;
  readonly #clock: number;
  readonly #seconds: number;
  readonly #nanos: number;

  constructor(clock: number) {
    this.#clock = clock;
    const raw = nowNs(clock);
    this.originNs = raw - offsetOf(clock);
    this.#seconds = Number(raw / 1_000_000_000n);
    this.#nanos = Number(raw % 1_000_000_000n);
  }

  now(): number {
    read(this.#clock);
    return ((words[0] ?? 0) - this.#seconds) * 1e9 + ((words[2] ?? 0) - this.#nanos);
  }
}

const clockId = new Int32Array(1);
const rusage = new BigInt64Array(RUSAGE_WORDS);

/**
 * Id of the CPU-time clock of a process (clock_getcpuclockid(3)): user and system time of all its threads, including
 * ended ones. The clock of every process is readable, also of a kernel thread.
 *
 * @returns null if the process does not exist
 */
export function processCpuClockId(pid: number): number | null {
  return libc().clock_getcpuclockid(pid, clockId) === 0 ? (clockId[0] as number) : null;
}

/** Reads a clock, ns. @returns null if the clock no longer exists: its process has been waited for */
export function readClockNs(id: number): bigint | null {
  return libc().clock_gettime(id, timeAddress) === 0
    ? (time[0] as bigint) * 1_000_000_000n + (time[1] as bigint)
    : null;
}

/** CPU time of this process so far, user and system, ns. */
export function ownCpuNs(): number {
  read(CLOCK.processCpu);
  return Number(time[0]) * 1e9 + Number(time[1]);
}

/**
 * CPU time, ns (µs resolution), of the children that this process has waited for, including their waited-for
 * descendants.
 */
export function waitedChildrenCpuNs(): number {
  libc().getrusage(RUSAGE_CHILDREN, rusage);
  const [userS, userUs, systemS, systemUs] = Array.from(rusage, Number) as [number, number, number, number];
  return (userS + systemS) * 1e9 + (userUs + systemUs) * 1e3;
}

/** CLOCK_BOOTTIME of the kernel in ns, exact at any uptime: for output, not for frequent use. */
export function exactBoottimeNs(): bigint {
  return clockNs(CLOCK.boottime);
}

/** A cheap `realtimeOffsetNs` from one read of each clock. Its error is the time between the two reads. */
export function roughRealtimeOffsetNs(): number {
  const bootNs = boottimeNs();
  read(CLOCK.realtime);
  return Number(time[0]) * 1e9 + Number(time[1]) - bootNs;
}

/**
 * The number of ns to add to a CLOCK_BOOTTIME value of the kernel to get wall-clock time in ns since 1970. It changes
 * when the wall clock is set.
 */
export function realtimeOffsetNs(): bigint {
  // The wall clock is read between two reads of CLOCK_BOOTTIME. The error is at most half the time between the two. The
  // try with the smallest error counts, because the kernel may preempt this thread between the calls.
  let best = 0n;
  let bestGap = 1n << 62n;
  for (let i = 0; i < 5; i++) {
    const before = exactBoottimeNs();
    const wall = nowNs(CLOCK.realtime);
    const gap = exactBoottimeNs() - before;
    if (gap < bestGap) {
      bestGap = gap;
      best = wall - before - gap / 2n;
    }
  }
  return best;
}
