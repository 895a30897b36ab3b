import { BpfRingMemory } from "../bpf/bpf-ring-memory.ts";
import { PerfEventRing } from "../bpf/perf-event-ring.ts";
import type { BackendChoice } from "../config/sections/probes.ts";
import { Backend, chooseBackend, type ProbeOptions, TIMESTAMP_OFFSET } from "../probes/backend.ts";
import { btfBackend } from "../probes/btf-backend.ts";
import { PageFaultProbe } from "../probes/page-faults.ts";
import { tracepointBackend } from "../probes/tracepoint-backend.ts";
import { BpfRing } from "../ring/bpf-ring.ts";
import type { RingSet } from "../ring/ring-set.ts";
import { boottimeNs } from "../sys/clock.ts";
import { possibleCpus } from "../sys/cpus.ts";
import { CpuRings } from "./cpu-rings.ts";
import { Losses } from "./losses.ts";
import { ringError } from "./ring-error.ts";

export interface KernelFeedOptions extends ProbeOptions {
  backend: BackendChoice;
  /** Whether page faults are reported as well. */
  pageFaults?: boolean;
  ringBytes: number;
  watermarkBytes: number;
}

/** Where events come from: the programs, their rings, and the spare ring. */
export class KernelFeed implements Disposable {
  readonly backend: Backend;
  /** Absent unless page faults are reported. */
  readonly pageFaults: PageFaultProbe | undefined;
  readonly cpuRings: CpuRings;
  readonly losses: Losses;
  readonly #loaded: DisposableStack;

  /**
   * Loads the programs and opens the rings, but attaches nothing yet.
   * @throws LinnixError (exit code 3) if linnix cannot run on this machine
   */
  constructor(options: KernelFeedOptions) {
    const { ringBytes, watermarkBytes } = options;
    using loaded = new DisposableStack();
    this.backend = loaded.use(
      new Backend(chooseBackend(options.backend) === "btf" ? btfBackend() : tracepointBackend(), options),
    );
    this.pageFaults = options.pageFaults ? loaded.use(new PageFaultProbe(this.backend)) : undefined;
    const { backend, pageFaults } = this;
    const { eventsMapFd } = backend;
    const spare = loaded.use(new BpfRingMemory(backend.spareEventsMap));
    // This comes before the rings are opened, so that no CPU goes offline or online unseen after that.
    backend.watchHotplug();
    const rings = {
      cpus: possibleCpus(),
      open: (cpu: number) => {
        backend.clocks?.forget(cpu);
        return new PerfEventRing(eventsMapFd, cpu, { ringBytes, watermarkBytes });
      },
      spare: new BpfRing(spare),
      hotplugStamp: (cpu: number) => backend.hotplugStamp(cpu),
      noRingStamp: (cpu: number) => backend.noRingStamp(cpu) + (pageFaults?.noRingStamp(cpu) ?? 0),
      timestampOffset: TIMESTAMP_OFFSET,
      now: boottimeNs,
    };
    try {
      this.cpuRings = loaded.use(new CpuRings(rings));
    } catch (error) {
      throw ringError(error, ringBytes);
    }
    this.losses = new Losses(pageFaults ? [backend, pageFaults] : [backend]);
    this.#loaded = loaded.move();
  }

  get rings(): RingSet {
    return this.cpuRings.set;
  }

  /** From now on the kernel sends SIGIO at the watermark of each ring. */
  signalOnWatermark(): void {
    this.cpuRings.signalOnWatermark();
  }

  /** Attaches all probes. */
  attach(): void {
    this.backend.attach();
    this.pageFaults?.attach();
  }

  /** Detaches all probes: no BPF program starts after this, but a running one may still write a record. */
  detach(): void {
    this.pageFaults?.detach();
    this.backend.detach();
  }

  close(): void {
    this.#loaded.dispose();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
