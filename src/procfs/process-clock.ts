import { processCpuClockId, readClockNs } from "../sys/clock.ts";
import { NS_PER_CLOCK_TICK, readProcStat } from "./proc-stat.ts";

/** CPU time of a process at one moment. */
export interface ProcessCpu {
  /** When: ns since this process's start (monotonic). */
  atNs: number;
  /** All threads, ended ones included, user and system, ns. */
  cpuNs: bigint;
  /** User and system time of /proc/PID/stat, in steps of 10 ms. */
  userNs: number;
  systemNs: number;
}

/** CPU time that a process used between two readings. */
export interface ProcessCpuUse {
  elapsedNs: number;
  cpuNs: number;
  /** Percent of one core over `elapsedNs`. */
  cpuPct: number;
  /** `cpuNs`, split in the ratio of user to system ticks; null if no whole tick fell into the interval. */
  userPct: number | null;
  systemPct: number | null;
}

/**
 * Clock of another process's CPU time, in nanoseconds: the scheduler's sum of run time over all threads, not the 10 ms
 * ticks of /proc. The time of a thread that is running on another CPU lags by up to one scheduler tick (4 ms at 250
 * Hz), because the kernel updates its sum then (`thread_group_cputime` in kernel/sched/cputime.c). The split into user
 * and system time is sampled at scheduler ticks. It is rough for processes that run for less than hundreds of ticks.
 */
export class ProcessClock {
  readonly #clockId: number;
  readonly #startTicks: number;

  private constructor(
    readonly pid: number,
    clockId: number,
    startTicks: number,
  ) {
    this.#clockId = clockId;
    this.#startTicks = startTicks;
  }

  /** @returns null if there is no such process */
  static open(pid: number): ProcessClock | null {
    const stat = readProcStat(pid);
    const clockId = processCpuClockId(pid);
    return stat === null || clockId === null ? null : new ProcessClock(pid, clockId, stat.startTicks);
  }

  /** @returns null once the process has been waited for, even if its pid is reused */
  read(): ProcessCpu | null {
    const cpuNs = readClockNs(this.#clockId);
    const atNs = Bun.nanoseconds();
    const stat = readProcStat(this.pid);
    if (cpuNs === null || stat === null || stat.startTicks !== this.#startTicks) return null;
    return {
      atNs,
      cpuNs,
      userNs: stat.utimeTicks * NS_PER_CLOCK_TICK,
      systemNs: stat.stimeTicks * NS_PER_CLOCK_TICK,
    };
  }
}

/** CPU time used between two readings of one clock. */
export function processCpuUse(before: ProcessCpu, after: ProcessCpu): ProcessCpuUse {
  const elapsedNs = after.atNs - before.atNs;
  const cpuNs = Number(after.cpuNs - before.cpuNs);
  const cpuPct = (100 * cpuNs) / elapsedNs;
  const userNs = after.userNs - before.userNs;
  const systemNs = after.systemNs - before.systemNs;
  const split = userNs + systemNs;
  return {
    elapsedNs,
    cpuNs,
    cpuPct,
    userPct: split > 0 ? (cpuPct * userNs) / split : null,
    systemPct: split > 0 ? (cpuPct * systemNs) / split : null,
  };
}
