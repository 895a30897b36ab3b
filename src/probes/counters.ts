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
  /** What the kernel skipped and a second program looked at, threads as well. */
  retried: CountByType;
}

/** Losses of one CPU so far. */
export interface CpuLosses extends CountByReason {
  cpu: number;
}

const TYPES = [EVENT_FORK, EVENT_EXEC, EVENT_EXIT] as const;
const { ring_full: RING_FULL, no_ring: NO_RING } = CPU_COUNTERS;

/** Reads the counters of all CPUs from their mapped memory: no system call. */
export class KernelCounters {
  readonly #counters: CpuArray;

  /** @param memory one struct cpu_counters a possible CPU */
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

  /** The CPUs that lost records, and how many. */
  lostByCpu(): CpuLosses[] {
    const lostByCpu: CpuLosses[] = [];
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      const ring_full = this.#ofCpu(cpu, RING_FULL);
      const no_ring = this.#ofCpu(cpu, NO_RING);
      if (ring_full + no_ring > 0) lostByCpu.push({ cpu, ring_full, no_ring });
    }
    return lostByCpu;
  }

  /** Processes that a map, by `MAP_…`, had no room for. */
  noRoom(map: number): number {
    // Asked at each flush: no BigInt, and 32 bits are more than all pids.
    let count = 0;
    for (let cpu = 0; cpu < this.cpus; cpu++) count += this.#counters.lowAt(cpu, CPU_COUNTERS.no_room + 8 * map);
    return count;
  }

  /** Another number once any CPU has lost a record. */
  lossStamp(): number {
    let stamp = 0;
    for (let cpu = 0; cpu < this.cpus; cpu++) stamp += this.#lowOfCpu(cpu, RING_FULL) + this.#lowOfCpu(cpu, NO_RING);
    return stamp;
  }

  /** Another number once that CPU had no ring for a record: it went to the spare ring, or was lost. */
  noRingStamp(cpu: number): number {
    return this.#lowOfCpu(cpu, NO_RING) + this.#counters.lowAt(cpu, CPU_COUNTERS.spared);
  }

  /** Another number once that CPU has begun to go offline or to come online, or has gone on with it. */
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
