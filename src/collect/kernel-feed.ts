import type { BackendChoice } from "../config/sections/probes.ts";
import { boottimeNs } from "../libbpf/clock.ts";
import { PerfBuffer } from "../libbpf/perf-buffer.ts";
import { Backend, chooseBackend, type ProbeOptions, TIMESTAMP_OFFSET } from "../probes/backend.ts";
import { btfBackend } from "../probes/btf-backend.ts";
import { PageFaultProbe } from "../probes/page-faults.ts";
import { tracepointBackend } from "../probes/tracepoint-backend.ts";
import { PerfRing } from "../ring/perf-ring.ts";
import { RingSet } from "../ring/ring-set.ts";
import { Losses } from "./losses.ts";

export interface KernelFeedOptions extends ProbeOptions {
  backend: BackendChoice;
  /** Whether page faults are told of as well. */
  pageFaults?: boolean;
  ringBytes: number;
  watermarkBytes: number;
}

/** All that the kernel side tells by: the programs, the rings that they write to, and what these had no room for. */
export class KernelFeed implements Disposable {
  readonly backend: Backend;
  /** Left out where nobody asked for page faults. */
  readonly pageFaults: PageFaultProbe | undefined;
  readonly rings: RingSet;
  readonly losses: Losses;
  readonly #buffer: PerfBuffer;
  readonly #loaded: DisposableStack;

  /**
   * Loads the programs; nothing is attached yet.
   * @throws LinnixError (exit code 3) when it cannot run here
   */
  constructor(options: KernelFeedOptions) {
    const { ringBytes, watermarkBytes } = options;
    using loaded = new DisposableStack();
    this.backend = loaded.use(
      new Backend(chooseBackend(options.backend) === "btf" ? btfBackend() : tracepointBackend(), options),
    );
    this.pageFaults = options.pageFaults ? loaded.use(new PageFaultProbe(this.backend)) : undefined;
    this.#buffer = loaded.use(new PerfBuffer(this.backend.eventsMapFd, { ringBytes, watermarkBytes }));
    this.rings = new RingSet(
      this.#buffer.rings.map((mapping) => new PerfRing(mapping)),
      { timestampOffset: TIMESTAMP_OFFSET, now: boottimeNs },
    );
    this.losses = new Losses(this.pageFaults ? [this.backend, this.pageFaults] : [this.backend]);
    this.#loaded = loaded.move();
  }

  /** SIGIO at the watermark of a ring from now on. */
  signalOnWatermark(): void {
    this.#buffer.signalOnWatermark();
  }

  /** Puts all probes on. */
  attach(): void {
    this.backend.attach();
    this.pageFaults?.attach();
  }

  /** Takes all probes off: no program starts after this; one that runs may still end. */
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
