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
  /** Of one core, over the time that really passed. */
  cpuPct: number;
  /** `cpuNs`, split in the ratio of user to system ticks; null if not one whole tick fell into the interval. */
  userPct: number | null;
  systemPct: number | null;
}

/**
 * Clock of another process's CPU time, to the nanosecond: the scheduler's run time sums of all its threads, not
 * the 10 ms ticks of /proc. A thread that runs on another processor at the moment of reading is behind by up to one
 * scheduler tick (4 ms at 250 Hz): the kernel updates its sum then (`thread_group_cputime` in
 * kernel/sched/cputime.c). The split into user and system rests on the scheduler tick that samples which of both runs,
 * and is rough for processes that run for less than hundreds of ticks.
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

  /** @returns null once the process has been waited for, also where its pid now belongs to another one */
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

/** What was used from one reading of a clock to a later one. */
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
