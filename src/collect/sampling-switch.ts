import type { EventView } from "../process/event-view.ts";
import { openSampler } from "../sampling/open.ts";
import type { SampleFilter } from "../sampling/sample-filter.ts";
import type { Sampler, SamplerOptions } from "../sampling/sampler.ts";
import { Sampling } from "../sampling/sampling.ts";
import { noSamples, type SampleCounters } from "../wire/counters.ts";
import type { SpareDescriptors } from "./spare-descriptors.ts";
import type { TotalsReports } from "./totals-reports.ts";

/** File descriptors that loading a sampler needs, and some spare ones. */
const LOADING_FDS = 32;

/** Where samples come from. */
export type SamplingSource = Exclude<Sampler["source"], "none">;

export interface SamplingSwitchParts {
  /** A process that did not run is sampled if its memory has changed by more than this, bytes. */
  rssThresholdBytes: number;
  /** The view that carries a sample; its table takes the figures. */
  view: EventView;
  filter: Pick<SampleFilter, "wants">;
  /** Takes samples for totals; absent: there are none. */
  totals?: Pick<TotalsReports, "note" | "reportsSample">;
  descriptors: SpareDescriptors;
  /** Passes on the events in the rings. */
  drain(): void;
  /** Takes one sample. Returns false if the sample could not be taken. */
  sample(view: EventView): boolean;
  /** Is called after each scan with the number of live processes that the sampler had no room for. */
  noRoom?(processes: number): void;
  /** Opens a sampler. If absent, it is the best sampler that this kernel offers. */
  open?: (options: SamplerOptions) => Sampler;
}

/** Switches sampling on and off. While sampling is off, no sampler is loaded, unless it could not be loaded again. */
export class SamplingSwitch implements Disposable {
  readonly #parts: SamplingSwitchParts;
  /** Undefined if no sampler is loaded: sampling is off, or too few file descriptors are left to load one. */
  #sampling: Sampling | undefined;
  #isOn = false;
  #keepsLoaded = false;
  /** The counts so far, including times before it was switched off. */
  readonly #counts = noSamples();
  /** `looked` of samplers that have been unloaded. */
  #lookedBefore = 0;

  constructor(parts: SamplingSwitchParts) {
    this.#parts = parts;
  }

  /** The source of samples; null while sampling is off or not available. */
  get source(): SamplingSource | null {
    const source = this.#isOn ? this.#sampling?.source : undefined;
    return source === "none" ? null : (source ?? null);
  }

  /** Samples that were emitted so far, and samples that could not be emitted. */
  get counts(): Readonly<SampleCounters> {
    return this.#counts;
  }

  /** See `Sampling.looked`. */
  get looked(): number {
    return this.#lookedBefore + (this.#sampling?.looked ?? 0);
  }

  /** Switches sampling on. It takes the current figures as the baseline, so that the next scan can report changes. */
  on(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    if (this.#sampling) this.#parts.view.table.resumeSweeps();
    this.sweep();
  }

  /** Makes a scan. Does nothing while sampling is off. */
  sweep(): void {
    if (!this.#isOn) return;
    this.#parts.descriptors.use(this.#sampling?.sweepFds ?? LOADING_FDS, () => {
      this.#sampling ??= this.#load();
      const withoutRoom = this.#sampling.sweep();
      this.#parts.noRoom?.(withoutRoom);
    });
  }

  off(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    if (this.#keepsLoaded) this.#sampling?.interrupt();
    else this.#unload();
    this.#parts.view.table.endSweeps();
    this.#parts.noRoom?.(0);
  }

  /**
   * From now on the programs stay loaded even while sampling is off, because the kernel would not allow loading them
   * again.
   */
  keepLoaded(): void {
    this.#keepsLoaded = true;
  }

  [Symbol.dispose](): void {
    this.off();
    this.#unload();
  }

  #load(): Sampling {
    const { rssThresholdBytes, view, filter, totals, drain, sample, open = openSampler } = this.#parts;
    const sinks = {
      view,
      drain,
      wants: (seen: EventView) => filter.wants(seen),
      ...(totals && {
        note: (seen: EventView) => totals.note(seen),
        reports: (seen: EventView) => totals.reportsSample(seen),
      }),
      sample,
    };
    return new Sampling(open({ rssThresholdBytes }), sinks, this.#counts);
  }

  #unload(): void {
    this.#lookedBefore = this.looked;
    this.#sampling?.[Symbol.dispose]();
    this.#sampling = undefined;
  }
}
