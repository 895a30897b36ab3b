import type { EventView } from "../process/event-view.ts";
import { openSampler } from "../sampling/open.ts";
import type { SampleFilter } from "../sampling/sample-filter.ts";
import type { Sampler, SamplerOptions } from "../sampling/sampler.ts";
import { Sampling } from "../sampling/sampling.ts";
import { noSamples, type SampleCounters } from "../wire/counters.ts";
import type { SpareDescriptors } from "./spare-descriptors.ts";
import type { TotalsReports } from "./totals-reports.ts";

/** Descriptors that loading a sampler takes, and some more. */
const LOADING_FDS = 32;

/** Where samples come from. */
export type SamplingSource = Exclude<Sampler["source"], "none">;

export interface SamplingSwitchParts {
  /** A process that did not run is sampled if its memory has changed by more than this, bytes. */
  rssThresholdBytes: number;
  /** The view that carries a sample; its table takes the figures. */
  view: EventView;
  filter: Pick<SampleFilter, "wants">;
  /** What totals take of samples; left out: nothing. */
  totals?: Pick<TotalsReports, "note" | "reportsSample">;
  descriptors: SpareDescriptors;
  /** Gives out what the rings hold. */
  drain(): void;
  /** Takes one sample; false if it could not be taken. */
  sample(view: EventView): boolean;
  /** Is called after each scan with the number of live processes that the sampler had no room for. */
  noRoom?(processes: number): void;
  /** Left out: the best sampler that this kernel offers. */
  open?: (options: SamplerOptions) => Sampler;
}

/** Sampling as something that is on or off: off, it holds nothing, as long as it can be loaded again. */
export class SamplingSwitch implements Disposable {
  readonly #parts: SamplingSwitchParts;
  /** Undefined also while there are no descriptors to load it. */
  #sampling: Sampling | undefined;
  #isOn = false;
  #keepsLoaded = false;
  /** The counts so far, including times before it was switched off. */
  readonly #counts = noSamples();
  /** The same by samplers that are unloaded. */
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

  /** Takes the present figures as the baseline, so that the next scan can report changes. */
  on(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    if (this.#sampling) this.#parts.view.table.resumeSweeps();
    this.sweep();
  }

  /** Nothing while it is off. */
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
