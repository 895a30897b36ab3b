import { readProcFile } from "../procfs/proc-stat.ts";

/** What a method that is told by the kernel said about processes beside the workload's. */
export interface ToldOfOthers {
  /** Processes that it said have executed a program, all the time that it watched. */
  executed: number;
  /** Spawns under its eyes that are ours too, timed ones and those to warm up on: each executes once. */
  spawns: number;
  watchedNs: number;
  windowNs: number;
  /** Tasks of others that the kernel counted, a second; null where it does not tell. */
  forkedPerSecond: number | null;
}

/**
 * Processes of others that a method told of in its window: an estimate, since what it prints has no common clock. A
 * process counts by its exec, which every such method tells of once, while forks and exits are told of in many ways.
 * Never more than the kernel has forked.
 */
export function othersTold({ executed, spawns, watchedNs, windowNs, forkedPerSecond }: ToldOfOthers): number {
  const told = (Math.max(0, executed - spawns) * windowNs) / watchedNs;
  return forkedPerSecond === null ? told : Math.min(told, (forkedPerSecond * windowNs) / 1e9);
}

/** Counts the forks of the whole machine, threads too (proc(5), /proc/stat). */
export class MachineForks {
  readonly #beganNs = Bun.nanoseconds();
  readonly #before = MachineForks.#read();

  /** Those that were not ours; null where the kernel does not tell. */
  perSecond(ours: number): number | null {
    const now = MachineForks.#read();
    if (now === null || this.#before === null) return null;
    return Math.max(0, now - this.#before - ours) / ((Bun.nanoseconds() - this.#beganNs) / 1e9);
  }

  static #read(): number | null {
    const found = /^processes (\d+)$/m.exec(readProcFile("/proc/stat") ?? "")?.[1];
    return found === undefined ? null : Number(found);
  }
}
