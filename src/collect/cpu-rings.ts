import { PerfRing } from "../ring/perf-ring.ts";
import { type Ring, RingSet, type RingSetOptions } from "../ring/ring-set.ts";
import { NativeError } from "../sys/errno.ts";

/** A ring that the kernel has mapped into this process; see `PerfEventRing`. */
export interface KernelRing {
  readonly mapping: ArrayBuffer;
  isLive(): boolean;
  signalOnWatermark(): void;
  leaveMap(): void;
  close(): void;
}

export interface CpuRingsOptions extends RingSetOptions {
  /** Numbers of the CPUs that this machine may ever have, ascending. */
  cpus: readonly number[];
  /** @throws NativeError: ENODEV if that CPU is offline */
  open(cpu: number): KernelRing;
  /** Changes whenever that CPU takes a step on its way offline or online. Its ring may be dead after that. */
  hotplugStamp(cpu: number): number;
  /** The spare ring, for CPUs without a ring; absent: their records are lost. */
  spare?: Ring;
  /** Changes whenever that CPU had no ring for a record. */
  noRingStamp(cpu: number): number;
}

/** If a ring cannot be opened, linnix tries again after this time, ns. */
const RETRY_NS = 1e9;

/** A ring of one CPU, and its reader. */
interface CpuRing {
  kernel: KernelRing;
  reader: PerfRing;
}

/**
 * A ring for each CPU that is online. The kernel removes perf events from a CPU that goes offline and does not restore
 * them: each time that a CPU comes back, for example after a suspend, its ring is replaced.
 */
export class CpuRings implements Disposable {
  readonly set: RingSet;
  readonly #options: CpuRingsOptions;
  /** By CPU; undefined if the CPU is offline or has no ring. */
  readonly #rings: (CpuRing | undefined)[];
  /** Rings of CPUs that went offline, until their records have been drained. */
  #retired: CpuRing[] = [];
  /** Stamps by CPU, as they were at the last attempt to open its ring. */
  readonly #hotplugStamps: Float64Array;
  readonly #noRingStamps: Float64Array;
  readonly #missing = new Map<number, NativeError>();
  #retryNs = 0;
  #signals = false;

  /** @throws NativeError if a CPU is online, and a ring for it cannot be opened */
  constructor(options: CpuRingsOptions) {
    const { cpus } = options;
    this.#options = options;
    this.set = new RingSet(options.spare ? [options.spare] : [], options);
    const places = (cpus.at(-1) ?? 0) + 1;
    this.#rings = new Array<CpuRing | undefined>(places).fill(undefined);
    this.#hotplugStamps = new Float64Array(places);
    this.#noRingStamps = new Float64Array(places);
    try {
      for (const cpu of cpus) this.#renew(cpu);
      for (const error of this.#missing.values()) throw error;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** CPUs that are online and have no ring, and why. */
  get missing(): ReadonlyMap<number, NativeError> {
    return this.#missing;
  }

  /** Makes the kernel send SIGIO at the watermark of each ring, including rings that are opened later. */
  signalOnWatermark(): void {
    this.#signals = true;
    for (const ring of this.#rings) ring?.kernel.signalOnWatermark();
  }

  /**
   * Replaces the rings of CPUs that went offline and came back, opens rings for CPUs that came online, and closes the
   * rings of offline CPUs once they are empty. Makes no system call if there is nothing to do.
   * @param nowNs CLOCK_BOOTTIME
   * @returns whether `missing` may have changed
   */
  follow(nowNs: number): boolean {
    if (this.#retired.length > 0) this.#closeEmpty();
    let isRenewed = false;
    for (const cpu of this.#options.cpus) {
      if (!this.#hasMoved(cpu)) continue;
      this.#renew(cpu);
      isRenewed = true;
    }
    if (this.#missing.size > 0 && nowNs >= this.#retryNs) {
      this.#retryNs = nowNs + RETRY_NS;
      for (const cpu of [...this.#missing.keys()]) this.#renew(cpu);
      isRenewed = true;
    }
    return isRenewed;
  }

  close(): void {
    for (const ring of [...this.#rings, ...this.#retired]) ring?.kernel.close();
    this.#rings.fill(undefined);
    this.#retired = [];
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #hasMoved(cpu: number): boolean {
    const { hotplugStamp, noRingStamp } = this.#options;
    if (hotplugStamp(cpu) !== this.#hotplugStamps[cpu]) return true;
    // For a CPU that is known to have no ring, `follow` tries again after `RETRY_NS`.
    return noRingStamp(cpu) !== this.#noRingStamps[cpu] && !this.#missing.has(cpu);
  }

  #renew(cpu: number): void {
    const { open, hotplugStamp, noRingStamp } = this.#options;
    // The stamp is read first, so that a step that the CPU takes meanwhile causes another attempt.
    this.#hotplugStamps[cpu] = hotplugStamp(cpu);
    const ring = this.#rings[cpu];
    if (!ring?.kernel.isLive()) {
      if (ring) this.#retire(cpu, ring);
      this.#missing.delete(cpu);
      try {
        this.#enter(cpu, open(cpu));
      } catch (error) {
        if (!(error instanceof NativeError)) throw error;
        if (error.code !== "ENODEV" && !this.#isNoCpu(error)) this.#missing.set(cpu, error);
      }
    }
    // Records without a ring until now do not mean that the new ring is dead.
    this.#noRingStamps[cpu] = noRingStamp(cpu);
  }

  /**
   * Whether the error means that this machine has no such CPU. Without /sys linnix guesses the numbers of the CPUs, and
   * the kernel refuses numbers that no CPU can have.
   */
  #isNoCpu({ code }: NativeError): boolean {
    return code === "EINVAL" && this.#rings.some((ring) => ring !== undefined);
  }

  #enter(cpu: number, kernel: KernelRing): void {
    try {
      if (this.#signals) kernel.signalOnWatermark();
      const reader = new PerfRing(kernel.mapping);
      this.#rings[cpu] = { kernel, reader };
      this.set.add(reader);
    } catch (error) {
      kernel.close();
      throw error;
    }
  }

  #retire(cpu: number, ring: CpuRing): void {
    this.#rings[cpu] = undefined;
    ring.kernel.leaveMap();
    this.#retired.push(ring);
    this.#closeEmpty();
  }

  #closeEmpty(): void {
    this.#retired = this.#retired.filter(({ kernel, reader }) => {
      if (reader.look()) return true;
      this.set.remove(reader);
      kernel.close();
      return false;
    });
  }
}
