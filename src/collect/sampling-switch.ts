import type { EventView } from "../process/event-view.ts";
import { openSampler } from "../sampling/open.ts";
import type { SampleFilter } from "../sampling/sample-filter.ts";
import type { Sampler } from "../sampling/sampler.ts";
import { noSamples, Sampling, type SamplingCounts } from "../sampling/sampling.ts";

export interface SamplingSwitchParts {
  /** What the memory of a process that did not run must move by to be told of, bytes. */
  rssThresholdBytes: number;
  /** The view that carries a sample; its table takes the figures. */
  view: EventView;
  filter: SampleFilter;
  /** Gives out what the rings hold. */
  drain(): void;
  /** Takes one sample; false where it could not be taken. */
  sample(view: EventView): boolean;
}

/** Sampling as something that is on or off: off, it holds nothing. */
export class SamplingSwitch implements Disposable {
  readonly #parts: SamplingSwitchParts;
  #sampling: Sampling | undefined;
  /** So far, however often it was switched off. */
  readonly #counts = noSamples();

  constructor(parts: SamplingSwitchParts) {
    this.#parts = parts;
  }

  /** Who tells of CPU time and memory; null while it is off. */
  get source(): Sampler["source"] | null {
    return this.#sampling?.source ?? null;
  }

  /** Samples that were given out so far, and those that could not be. */
  get counts(): Readonly<SamplingCounts> {
    return this.#counts;
  }

  /** Finds out how things stand, so that the next sweep can tell what has changed. */
  on(): void {
    if (this.#sampling) return;
    const { rssThresholdBytes, view, filter, drain, sample } = this.#parts;
    const sampler = openSampler({ rssThresholdBytes });
    const sinks = { view, drain, wants: (seen: EventView) => filter.wants(seen), sample };
    this.#sampling = new Sampling(sampler, sinks, this.#counts);
    this.#sampling.sweep();
  }

  /** Nothing while it is off. */
  sweep(): void {
    this.#sampling?.sweep();
  }

  off(): void {
    if (!this.#sampling) return;
    this.#sampling[Symbol.dispose]();
    this.#sampling = undefined;
    this.#parts.view.table.endSweeps();
  }

  [Symbol.dispose](): void {
    this.off();
  }
}
