import { MappedArray } from "../bpf/bpf-map.ts";
import type { BpfObject } from "../bpf/bpf-object.ts";
import { runOnCpu } from "../bpf/cost-bpf.ts";
import { log } from "../config/log.ts";
import { NativeError } from "../sys/errno.ts";
import { CLOCK_EVENT, CPU_CLOCK } from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";

/**
 * The data by which the kernel side calculates the scheduler's clock of each CPU: see bpf/scheduler-clock.h. Without
 * it, totals lack the CPU time of a process after the last tick before its end.
 */
export class SchedulerClocks implements Disposable {
  readonly #object: BpfObject;
  readonly #memory: MappedArray;
  readonly #words: BigUint64Array;
  readonly #cpus: number;
  readonly #possible: readonly number[];

  /**
   * @param object is loaded
   * @param cpus number of elements of the map
   * @param possible numbers of the CPUs that this machine may have
   */
  constructor(object: BpfObject, cpus: number, possible: readonly number[]) {
    this.#object = object;
    this.#cpus = cpus;
    this.#possible = possible;
    this.#memory = new MappedArray(object.mapFd("clocks"), cpus * CPU_CLOCK.size, true);
    this.#words = new BigUint64Array(this.#memory.bytes);
  }

  /** The CPU has a new ring, so the clock of its ring is unknown again. */
  forget(cpu: number): void {
    if (cpu >= this.#cpus) return;
    this.#words[this.#at(cpu, CPU_CLOCK.base_ns)] = 0n;
    this.#words[this.#at(cpu, CPU_CLOCK.is_asked)] = 1n;
  }

  /**
   * Makes each CPU write a record with its clock at the next exit. This is repeated, because the clock of a ring stops
   * while perf reschedules the events of a CPU.
   */
  ask(): void {
    for (const cpu of this.#possible) this.#words[this.#at(cpu, CPU_CLOCK.is_asked)] = 1n;
  }

  /** Makes each CPU write that record now, if the kernel permits it. Call it after the rings have been opened. */
  askNow(): void {
    this.ask();
    for (const cpu of this.#possible) {
      try {
        runOnCpu(this.#object.programFd("show_clock"), cpu);
      } catch (error) {
        if (!(error instanceof NativeError)) throw error;
        // An offline CPU, or a kernel that refuses it: its first exit writes the record.
        log.debug(`clock of CPU ${cpu}: ${error.message}`);
      }
    }
  }

  /** Processes a `clock_event` from a ring. */
  take(record: Record): void {
    const cpu = record.u16(CLOCK_EVENT.cpu);
    if (cpu >= this.#cpus) return;
    const base = Math.round(record.sampleTimeNs) - record.u64(CLOCK_EVENT.enabled_ns);
    this.#words[this.#at(cpu, CPU_CLOCK.base_ns)] = BigInt(base);
  }

  [Symbol.dispose](): void {
    this.#memory.close();
  }

  #at(cpu: number, offset: number): number {
    return (cpu * CPU_CLOCK.size + offset) / 8;
  }
}
