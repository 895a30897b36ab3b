import { readProcFile } from "./proc-stat.ts";

/** The machine's CPU time since boot by kind of use, in clock ticks of 10 ms, summed over all CPUs. */
export interface SystemCpu {
  /** Number of CPUs that /proc/stat lists. */
  cpus: number;
  /** User programs, guests and low priority included. */
  userTicks: number;
  /** Kernel: system, hard and soft interrupts. */
  systemTicks: number;
  /** Idle, waiting for the disk included. */
  idleTicks: number;
  /** A task was ready, but the hypervisor ran another guest. */
  stealTicks: number;
}

/** Shares of the time between two readings. "Machine": 100 is all CPUs; "core": 100 is one CPU. */
export interface SystemCpuUse {
  /** User and kernel time, without stolen time. */
  busyMachinePct: number;
  busyCorePct: number;
  userMachinePct: number;
  systemMachinePct: number;
  /** The time that the hypervisor gave to other guests. */
  stealMachinePct: number;
}

/** Parses /proc/stat; proc_stat(5). @returns null if it has no `cpu` line */
export function parseSystemCpu(text: string): SystemCpu | null {
  const all = /^cpu +(.+)$/m.exec(text)?.[1]?.split(" ").map(Number);
  if (all === undefined) return null;
  // Guest time (fields 9 and 10) is part of user and nice already.
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = all;
  return {
    cpus: text.match(/^cpu[0-9]+ /gm)?.length ?? 1,
    userTicks: user + nice,
    systemTicks: system + irq + softirq,
    idleTicks: idle + iowait,
    stealTicks: steal,
  };
}

/** @returns null if /proc/stat cannot be read */
export function readSystemCpu(): SystemCpu | null {
  const text = readProcFile("/proc/stat");
  return text === null ? null : parseSystemCpu(text);
}

/** Shares between two readings; all 0 if no tick passed. */
export function systemCpuUse(before: SystemCpu, after: SystemCpu): SystemCpuUse {
  const user = after.userTicks - before.userTicks;
  const system = after.systemTicks - before.systemTicks;
  const steal = after.stealTicks - before.stealTicks;
  // The idle counter can decrease by a tick (proc_stat(5)).
  const idle = Math.max(after.idleTicks - before.idleTicks, 0);
  const total = user + system + steal + idle;
  const pct = (ticks: number): number => (total > 0 ? (100 * ticks) / total : 0);
  return {
    busyMachinePct: pct(user + system),
    busyCorePct: pct(user + system) * after.cpus,
    userMachinePct: pct(user),
    systemMachinePct: pct(system),
    stealMachinePct: pct(steal),
  };
}
