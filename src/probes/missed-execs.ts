import { PidSet } from "../bpf/bpf-map.ts";
import { NativeError } from "../sys/errno.ts";
import type { KernelCounts } from "./counters.ts";
import type { StormBirths } from "./storm-births.ts";

/** Maximum number of processes that one look gives; others are given by the next one. */
export const MAX_MISSED = 256;

export interface MissedExecsFacts {
  counts(): Pick<KernelCounts, "lost_by_type" | "filtered" | "folded" | "suppressed">;
  /** Execs that the kernel skipped the programs for. */
  skipped(): number;
  /** Execs that were counted only, in storms. */
  suppressed?: Pick<StormBirths, "missed" | "hasMissed" | "forget">;
}

/**
 * Processes whose last exec did not reach user space although the kernel side saw it: the ring had no room, the CPU had
 * no ring, a filter held it back, it was counted only in a storm. Also those of their children that have not executed anything. An exec that comes
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
    return this.#count() > 0 || this.#hasSuppressed();
  }

  /**
   * Pids of the list; "all": it may be any process, because the kernel skipped the program that keeps the list, or does
   * not let linnix read it. Some kernels refuse that after linnix has given up root.
   */
  list(): Uint32Array | "all" {
    const skipped = this.#facts.skipped();
    const hasSkipped = skipped > this.#skipped;
    this.#skipped = skipped;
    if (hasSkipped) return "all";
    const listed = this.#listed();
    if (listed === "all" || listed.length === MAX_MISSED || !this.#hasSuppressed()) return listed;
    const suppressed = this.#facts.suppressed?.missed(MAX_MISSED - listed.length) ?? [];
    return suppressed.length > 0 ? Uint32Array.of(...listed, ...suppressed) : listed;
  }

  #listed(): Uint32Array | "all" {
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
    return this.#facts.suppressed?.hasMissed(pid) === true || (this.#count() > 0 && this.#pids.has(pid));
  }

  forget(pid: number): void {
    this.#pids.delete(pid);
    this.#facts.suppressed?.forget(pid);
  }

  #hasSuppressed(): boolean {
    return this.#facts.counts().suppressed.exec > 0;
  }

  #count(): number {
    const { lost_by_type, filtered, folded } = this.#facts.counts();
    return lost_by_type.exec + filtered.exec + folded.exec;
  }
}
