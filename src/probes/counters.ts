import type { Counters } from "../wire/counters.ts";
import type { CountByReason, CountByType } from "../wire/event.ts";
import { CPU_COUNTERS, EVENT_EXEC, EVENT_EXIT, EVENT_FORK } from "../wire/layout.gen.ts";
import { CpuArray } from "./cpu-array.ts";

/** The kernel side's own counts. */
export interface KernelCounts
  extends Pick<
    Counters,
    "seen" | "filtered" | "suppressed" | "folded" | "emitted" | "lost_by_type" | "lost_by_reason" | "threads"
  > {
  /** Runs that the kernel skipped and that a second program retried, including runs for threads. */
  retried: CountByType;
}

/** Losses of one CPU so far. */
export interface CpuLosses extends CountByReason {
  cpu: number;
}

const TYPES = [EVENT_FORK, EVENT_EXEC, EVENT_EXIT] as const;
const { ring_full: RING_FULL, no_ring: NO_RING } = CPU_COUNTERS;

/** Reads the counters of all CPUs from mapped memory, without a system call. */
export class KernelCounters {
  readonly #counters: CpuArray;

  /** @param memory one struct cpu_counters per possible CPU */
  constructor(memory: ArrayBuffer) {
    this.#counters = new CpuArray(memory, CPU_COUNTERS.size);
  }

  get cpus(): number {
    return this.#counters.cpus;
  }

  read(): KernelCounts {
    const ringFull = this.#byType(RING_FULL);
    const noRing = this.#byType(NO_RING);
    return {
      seen: this.#byType(CPU_COUNTERS.seen),
      filtered: this.#byType(CPU_COUNTERS.filtered),
      suppressed: this.#byType(CPU_COUNTERS.suppressed),
      folded: this.#byType(CPU_COUNTERS.folded),
      emitted: this.#byType(CPU_COUNTERS.emitted),
      lost_by_type: {
        fork: ringFull.fork + noRing.fork,
        exec: ringFull.exec + noRing.exec,
        exit: ringFull.exit + noRing.exit,
      },
      lost_by_reason: {
        ring_full: ringFull.fork + ringFull.exec + ringFull.exit,
        no_ring: noRing.fork + noRing.exec + noRing.exit,
      },
      retried: this.#byType(CPU_COUNTERS.retried),
      threads: {
        started: this.#counters.sum(CPU_COUNTERS.threads_started),
        exited: this.#counters.sum(CPU_COUNTERS.threads_exited),
      },
    };
  }

  /** The CPUs that lost records, and the number of lost records. */
  lostByCpu(): CpuLosses[] {
    const lostByCpu: CpuLosses[] = [];
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      const ring_full = this.#ofCpu(cpu, RING_FULL);
      const no_ring = this.#ofCpu(cpu, NO_RING);
      if (ring_full + no_ring > 0) lostByCpu.push({ cpu, ring_full, no_ring });
    }
    return lostByCpu;
  }

  /** Number of processes that a map had no room for. @param map its number, `MAP_…` */
  noRoom(map: number): number {
    // Called at each flush, so it reads only the lower 32 bits, without BigInt.
    let count = 0;
    for (let cpu = 0; cpu < this.cpus; cpu++) count += this.#counters.lowAt(cpu, CPU_COUNTERS.no_room + 8 * map);
    return count;
  }

  /** A number that changes whenever any CPU loses a record. */
  lossStamp(): number {
    let stamp = 0;
    for (let cpu = 0; cpu < this.cpus; cpu++) stamp += this.#lowOfCpu(cpu, RING_FULL) + this.#lowOfCpu(cpu, NO_RING);
    return stamp;
  }

  /** A number that changes whenever that CPU has no ring for a record, which goes to the spare ring or is lost. */
  noRingStamp(cpu: number): number {
    return this.#lowOfCpu(cpu, NO_RING) + this.#counters.lowAt(cpu, CPU_COUNTERS.spared);
  }

  /** A number that changes at each step of that CPU on its way offline or online. */
  hotplugStamp(cpu: number): number {
    return this.#counters.lowAt(cpu, CPU_COUNTERS.hotplug_steps);
  }

  #byType(offset: number): CountByType {
    return {
      fork: this.#counters.sum(offset + 8 * EVENT_FORK),
      exec: this.#counters.sum(offset + 8 * EVENT_EXEC),
      exit: this.#counters.sum(offset + 8 * EVENT_EXIT),
    };
  }

  #ofCpu(cpu: number, offset: number): number {
    let sum = 0;
    for (const type of TYPES) sum += this.#counters.at(cpu, offset + 8 * type);
    return sum;
  }

  #lowOfCpu(cpu: number, offset: number): number {
    let sum = 0;
    for (const type of TYPES) sum += this.#counters.lowAt(cpu, offset + 8 * type);
    return sum;
  }
}
