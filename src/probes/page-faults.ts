import { BpfLink } from "../bpf/bpf-link.ts";
import { BpfLoadError } from "../bpf/bpf-load-error.ts";
import { MappedArray } from "../bpf/bpf-map.ts";
import { BpfObject } from "../bpf/bpf-object.ts";
import { bpfObject } from "../bpf/embedded.ts";
import { log } from "../config/log.ts";
import { cannotRunError, type LinnixError } from "../errors.ts";
import { cpuPlaces } from "../sys/cpus.ts";
import { NativeError } from "../sys/errno.ts";
import { hintOf } from "../sys/refusal.ts";
import type { PageFaultCounters } from "../wire/counters.ts";
import { FAULT_COUNTERS } from "../wire/layout.gen.ts";
import type { Backend } from "./backend.ts";
import type { CpuLosses } from "./counters.ts";
import { CpuArray } from "./cpu-array.ts";
import { skippedOf } from "./skipped-runs.ts";

/** The kernel side's own counts of page faults: `seen = suppressed + emitted`. */
export type PageFaultCounts = Omit<PageFaultCounters, "received" | "skipped">;

/** Minimum number of processes that can have a throttle of their own at the same time. */
const MIN_PROCESSES = 4096;
/**
 * An LRU map gives free entries to CPUs in batches of 128 (LOCAL_FREE_TARGET, kernel/bpf/bpf_lru_list.c). In a smaller
 * map, the CPUs take entries from each other.
 */
const PROCESSES_PER_CPU = 256;

/** The error of libbpf if the kernel has no such tracepoint. */
const ESRCH = 3;
const EAGAIN = 11;

/**
 * The probe that reports page faults. It runs in addition to the programs of a backend and uses their rings. The
 * constructor loads it; `close` or the end of this process removes it.
 */
export class PageFaultProbe implements Disposable {
  readonly #object: BpfObject;
  readonly #memory: MappedArray;
  readonly #counters: CpuArray;
  readonly #cpus = cpuPlaces();
  #link: BpfLink | undefined;
  #isClosed = false;

  /**
   * @param backend must be loaded until this probe is closed
   * @throws LinnixError (exit code 3) if this kernel has no such tracepoint, or the probe cannot be loaded
   */
  constructor(backend: Pick<Backend, "name" | "eventsMapFd" | "spareEventsMap">) {
    if (backend.name !== "btf") throw noProbeError("page faults need BTF, which the tracepoint backend does not use");
    try {
      this.#object = BpfObject.open("faults", bpfObject("faults"));
    } catch (cause) {
      throw loadError(cause);
    }
    try {
      const object = this.#object;
      object.reuseMap("events", backend.eventsMapFd);
      object.reuseMap("spare_events", backend.spareEventsMap.fd);
      object.setMaxEntries("fault_counters", this.#cpus);
      object.setMaxEntries("throttles", Math.max(MIN_PROCESSES, PROCESSES_PER_CPU * this.#cpus));
      object.load();
      this.#memory = new MappedArray(object.mapFd("fault_counters"), this.#cpus * FAULT_COUNTERS.size);
      this.#counters = new CpuArray(this.#memory.bytes, FAULT_COUNTERS.size);
    } catch (cause) {
      this.#object.close();
      throw loadError(cause);
    }
  }

  attach(): void {
    try {
      this.#link ??= BpfLink.attach(this.#object, "handle_page_fault");
    } catch (cause) {
      throw loadError(cause);
    }
  }

  detach(): void {
    this.#link?.close();
    this.#link = undefined;
  }

  /** The counts of the kernel side so far. Reading them makes no system call. */
  counts(): PageFaultCounts {
    const counters = this.#open;
    const ring_full = counters.sum(FAULT_COUNTERS.ring_full);
    const no_ring = counters.sum(FAULT_COUNTERS.no_ring);
    return {
      seen: counters.sum(FAULT_COUNTERS.seen),
      suppressed: counters.sum(FAULT_COUNTERS.suppressed),
      emitted: counters.sum(FAULT_COUNTERS.emitted),
      lost: ring_full + no_ring,
      lost_by_reason: { ring_full, no_ring },
    };
  }

  /**
   * Number of faults so far for which the kernel skipped the program, because it was preempted. `seen` does not contain
   * them. Makes one system call.
   */
  skipped(): number {
    return skippedOf(this.#object, "handle_page_fault");
  }

  /** The losses so far of each CPU that has any. Reading them makes no system call. */
  lostByCpu(): CpuLosses[] {
    const counters = this.#open;
    const lostByCpu: CpuLosses[] = [];
    for (let cpu = 0; cpu < counters.cpus; cpu++) {
      const ring_full = counters.at(cpu, FAULT_COUNTERS.ring_full);
      const no_ring = counters.at(cpu, FAULT_COUNTERS.no_ring);
      if (ring_full + no_ring > 0) lostByCpu.push({ cpu, ring_full, no_ring });
    }
    return lostByCpu;
  }

  lossStamp(): number {
    const counters = this.#open;
    let stamp = 0;
    for (let cpu = 0; cpu < counters.cpus; cpu++) {
      stamp += counters.lowAt(cpu, FAULT_COUNTERS.ring_full) + counters.lowAt(cpu, FAULT_COUNTERS.no_ring);
    }
    return stamp;
  }

  noRingStamp(cpu: number): number {
    return this.#open.lowAt(cpu, FAULT_COUNTERS.no_ring) + this.#open.lowAt(cpu, FAULT_COUNTERS.spared);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.detach();
    this.#memory.close();
    this.#object.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The memory of the counters is invalid after `close`. */
  get #open(): CpuArray {
    if (this.#isClosed) throw new Error("the page fault probe is closed");
    return this.#counters;
  }
}

const LEAVE_OUT = "leave --page-faults out (probes.page_faults = false)";

function noProbeError(why: string, cause?: unknown, hint = LEAVE_OUT): LinnixError {
  return cannotRunError(
    "page-faults",
    { what: "page-fault events are not available on this machine", why, hint },
    { cause },
  );
}

function loadError(cause: unknown): LinnixError {
  const errno = cause instanceof BpfLoadError || cause instanceof NativeError ? cause.errno : 0;
  if (errno === ESRCH) {
    return noProbeError(
      "this kernel has no tracepoint page_fault_user, which only x86 kernels are sure to have",
      cause,
    );
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof BpfLoadError && cause.verifierLog !== "") log.debug(cause.verifierLog.trimEnd());
  if (/unknown func|uses reserved fields/.test(message)) {
    return noProbeError(`page-fault events need Linux 5.12 or later: ${message}`, cause);
  }
  // EAGAIN does not mean that the kernel lacks something, and it may not occur at the next start.
  return noProbeError(message, cause, (errno === EAGAIN ? hintOf(cause) : null) ?? LEAVE_OUT);
}
