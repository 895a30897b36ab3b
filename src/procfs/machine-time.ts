import { monotonicNs } from "../sys/clock.ts";
import { NS_PER_CLOCK_TICK, readProcFile } from "./proc-stat.ts";

/** The machine's clocks at a moment. */
export interface MachineTime {
  /** CLOCK_MONOTONIC, which stops while the machine is suspended. */
  nowNs: number;
  /** Number of online CPUs. */
  cpus: number;
  /** Of /proc/stat, in ns. */
  idleNs: number;
  iowaitNs: number;
  stealNs: number;
  irqNs: number;
  softirqNs: number;
  /** User, nice and system time with `irqNs` and `softirqNs`. */
  countedNs: number;
}

/** Parses the machine's line of /proc/stat, proc_stat(5). @returns null if the text has no such line */
export function parseMachineTime(text: string, nowNs: number): MachineTime | null {
  const all = /^cpu +(.+)$/m.exec(text)?.[1]?.split(" ").map(Number);
  if (all === undefined) return null;
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = all;
  const ns = (ticks: number) => ticks * NS_PER_CLOCK_TICK;
  return {
    nowNs,
    cpus: text.match(/^cpu[0-9]+ /gm)?.length ?? 1,
    idleNs: ns(idle),
    iowaitNs: ns(iowait),
    stealNs: ns(steal),
    irqNs: ns(irq),
    softirqNs: ns(softirq),
    countedNs: ns(user + nice + system + irq + softirq),
  };
}

export function readMachineTime(): MachineTime | null {
  const text = readProcFile("/proc/stat");
  return text === null ? null : parseMachineTime(text, monotonicNs());
}

/**
 * CPU time that the machine used between two moments, ns: elapsed time without idle, iowait and stolen time. It is not
 * the sum of user and system time: most kernels sample those at each tick and miss most short processes. Idle time is
 * exact.
 */
export function busyBetween(before: MachineTime, after: MachineTime): number {
  // If a CPU came online or went offline in between, it is unknown how long it was online.
  if (before.cpus !== after.cpus) return Math.max(0, after.countedNs - before.countedNs);
  const away = (time: MachineTime) => time.idleNs + time.iowaitNs + time.stealNs;
  return (after.nowNs - before.nowNs) * after.cpus - (away(after) - away(before));
}

/** CPU time that the machine has used since the first reading. */
export class BusyClock {
  readonly #machine: () => MachineTime | null;
  #last: MachineTime | null = null;
  #busyNs = 0;

  constructor(machine: () => MachineTime | null = readMachineTime) {
    this.#machine = machine;
  }

  /** ns; null if /proc/stat cannot be read. */
  read(): number | null {
    const now = this.#machine();
    if (now === null) return null;
    if (this.#last !== null) this.#busyNs += busyBetween(this.#last, now);
    this.#last = now;
    return this.#busyNs;
  }
}
