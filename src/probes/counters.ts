import type { CountByType } from "../wire/event.ts";
import { CPU_COUNTERS, EVENT_EXEC, EVENT_EXIT, EVENT_FORK } from "../wire/layout.gen.ts";

/** The kernel side's own counts. */
export interface KernelCounts {
  /** What the tracepoints offered, threads apart. */
  seen: CountByType;
  /** What was handed to the rings: received and lost. */
  emitted: CountByType;
  lost: CountByType;
  /** What the filters held back. */
  filtered: CountByType;
  /** What the kernel skipped and a second program looked at, threads as well. */
  retried: CountByType;
  threadsStarted: number;
  threadsExited: number;
}

/** Reads the counters of all CPUs from their mapped memory: no system call. */
export class KernelCounters {
  readonly #values: BigUint64Array;
  readonly #cpus: number;

  /** @param memory one struct cpu_counters a possible CPU */
  constructor(memory: ArrayBuffer) {
    this.#values = new BigUint64Array(memory);
    this.#cpus = memory.byteLength / CPU_COUNTERS.size;
  }

  read(): KernelCounts {
    return {
      seen: this.#byType(CPU_COUNTERS.seen),
      emitted: this.#byType(CPU_COUNTERS.emitted),
      lost: this.#byType(CPU_COUNTERS.lost),
      filtered: this.#byType(CPU_COUNTERS.filtered),
      retried: this.#byType(CPU_COUNTERS.retried),
      threadsStarted: this.#sum(CPU_COUNTERS.threads_started),
      threadsExited: this.#sum(CPU_COUNTERS.threads_exited),
    };
  }

  /** The CPUs that lost records, and how many. */
  lostByCpu(): { cpu: number; lost: number }[] {
    const lostByCpu: { cpu: number; lost: number }[] = [];
    for (let cpu = 0; cpu < this.#cpus; cpu++) {
      const lost = [EVENT_FORK, EVENT_EXEC, EVENT_EXIT]
        .map((type) => this.#at(cpu, CPU_COUNTERS.lost + 8 * type))
        .reduce((sum, value) => sum + value, 0);
      if (lost > 0) lostByCpu.push({ cpu, lost });
    }
    return lostByCpu;
  }

  /** Processes that a map, by `MAP_…`, had no room for. */
  noRoom(map: number): number {
    return this.#sum(CPU_COUNTERS.no_room + 8 * map);
  }

  #byType(offset: number): CountByType {
    return {
      fork: this.#sum(offset + 8 * EVENT_FORK),
      exec: this.#sum(offset + 8 * EVENT_EXEC),
      exit: this.#sum(offset + 8 * EVENT_EXIT),
    };
  }

  #sum(offset: number): number {
    let sum = 0;
    for (let cpu = 0; cpu < this.#cpus; cpu++) sum += this.#at(cpu, offset);
    return sum;
  }

  #at(cpu: number, offset: number): number {
    return Number(this.#values[(cpu * CPU_COUNTERS.size + offset) / 8]);
  }
}
