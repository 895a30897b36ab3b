import { PidSet } from "../bpf/bpf-map.ts";
import { NativeError } from "../sys/errno.ts";
import type { KernelCounts } from "./counters.ts";
import type { StormBirths } from "./storm-births.ts";

/** Maximum number of processes that one `list` returns. Later calls return others, after `forget` of these. */
export const MAX_MISSED = 256;

export interface MissedExecsFacts {
  counts(): Pick<KernelCounts, "lost_by_type" | "filtered" | "folded" | "suppressed">;
  /** Number of execs for which the kernel skipped the programs. */
  skipped(): number;
  /** Execs that were only counted, in storms. */
  suppressed?: Pick<StormBirths, "missed" | "hasMissed" | "forget">;
}

/**
 * Processes whose last exec did not reach user space although the kernel side saw it: the ring had no room, the CPU had
 * no ring, a filter dropped the exec, or it was only counted in a storm. The list also has the children of such
 * processes that have not called exec themselves. An exec that reaches user space, or an exit, removes a process from
 * the list.
 */
export class MissedExecs {
  readonly #pids: PidSet;
  readonly #facts: MissedExecsFacts;
  #skipped = 0;
  /** The count of missed execs when the kernel last refused to show the list. */
  #refusedAt = 0;

  constructor(mapFd: number, facts: MissedExecsFacts) {
    this.#pids = new PidSet(mapFd, MAX_MISSED);
    this.#facts = facts;
  }

  /** Whether the list may have any process. This makes no system call. */
  mayBeAny(): boolean {
    return this.#count() > 0 || this.#hasSuppressed();
  }

  /**
   * Pids of the list; "all": every process may belong to the list, because the kernel skipped the program that
   * maintains it, or does not let linnix read it. Some kernels refuse the read after linnix has given up root.
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
