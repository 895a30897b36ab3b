import { PidSet } from "../bpf/bpf-map.ts";
import { NativeError } from "../sys/errno.ts";
import type { KernelCounts } from "./counters.ts";

/** Most processes that one look gives; others are given by the next one. */
export const MAX_MISSED = 256;

export interface MissedExecsFacts {
  counts(): Pick<KernelCounts, "lost_by_type" | "filtered" | "folded">;
  /** Execs that the kernel skipped the programs for. */
  skipped(): number;
}

/**
 * Processes whose last exec did not reach user space although the kernel side saw it: the ring had no room, the CPU had
 * no ring, a filter held it back. Also those of their children that have not executed anything. An exec that comes
 * through, and an exit, take a process off the list.
 */
export class MissedExecs {
  readonly #pids: PidSet;
  readonly #facts: MissedExecsFacts;
  #skipped = 0;
  /** What the counts were when the kernel refused to show the list. */
  #refusedAt = 0;

  constructor(mapFd: number, facts: MissedExecsFacts) {
    this.#pids = new PidSet(mapFd, MAX_MISSED);
    this.#facts = facts;
  }

  /** Whether there may be any: no system call. */
  mayBeAny(): boolean {
    return this.#count() > 0;
  }

  /**
   * Pids of the list; "all": it may be any process, for the kernel skipped the program that keeps the list, or refuses
   * to show it, as some do after root was given up.
   */
  list(): Uint32Array | "all" {
    const skipped = this.#facts.skipped();
    const hasSkipped = skipped > this.#skipped;
    this.#skipped = skipped;
    if (hasSkipped) return "all";
    try {
      return this.#pids.list();
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      const count = this.#count();
      if (count === this.#refusedAt) return new Uint32Array(0);
      this.#refusedAt = count;
      return "all";
    }
  }

  has(pid: number): boolean {
    return this.mayBeAny() && this.#pids.has(pid);
  }

  forget(pid: number): void {
    this.#pids.delete(pid);
  }

  #count(): number {
    const { lost_by_type, filtered, folded } = this.#facts.counts();
    return lost_by_type.exec + filtered.exec + folded.exec;
  }
}
