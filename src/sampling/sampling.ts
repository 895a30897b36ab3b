import type { EventView } from "../process/event-view.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import { boottimeNs, monotonicNs } from "../sys/clock.ts";
import { noSamples, type SampleCounters } from "../wire/counters.ts";
import { FIRST_SEEN, SAMPLE_EVENT } from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import type { Sampler } from "./sampler.ts";

export interface SamplingSinks {
  /** The view that carries a sample; its table takes the figures. */
  view: EventView;
  /**
   * Delivers what the rings hold: the fork of a process must precede its first sample, and during a scan of many active
   * processes the rings must not fill up. Costs nearly nothing if they are empty.
   */
  drain(): void;
  /** Whether a filter lets a sample through. */
  wants(view: EventView): boolean;
  /** Called for a sample that passes the filter, delivered or not. */
  note?(view: EventView): void;
  /** Whether a sample that passes the filter is delivered; absent: each is. */
  reports?(view: EventView): boolean;
  /** Takes one sample. The view is invalid after the call. Returns false if the sample could not be taken. */
  sample(view: EventView): boolean;
}

/** Samples between two looks at the rings during a scan: they take half a millisecond. */
const DRAIN_EVERY = 512;

/** See sys/clock.ts. */
export interface SamplingClocks {
  boottimeNs(): number;
  monotonicNs(): number;
}

/** Scans all processes into the process table, and passes those that were active to a listener. */
export class Sampling implements Disposable {
  readonly #sampler: Sampler;
  readonly #sinks: SamplingSinks;
  readonly #counts: SampleCounters;
  /** Start of the scan before, CLOCK_BOOTTIME; 0: there was none, or not lately. */
  #lastNs = 0;
  /** The same by CLOCK_MONOTONIC: a suspended machine uses no CPU, so CPU % must not be divided by that time. */
  #lastAwakeNs = 0;
  #awakeNs = 0;
  readonly #clocks: SamplingClocks;
  readonly #take = (record: Record) => {
    if (++this.#taken % DRAIN_EVERY === 0) this.#sinks.drain();
    this.#process(record);
  };
  #taken = 0;
  #looked = 0;

  /**
   * @param sampler is closed with this
   * @param counts continue from these
   */
  constructor(
    sampler: Sampler,
    sinks: SamplingSinks,
    counts = noSamples(),
    clocks: SamplingClocks = { boottimeNs, monotonicNs },
  ) {
    this.#sinks = sinks;
    this.#sampler = sampler;
    this.#counts = counts;
    this.#clocks = clocks;
  }

  /** Samples so far, emitted or not, without those of a first scan. */
  get looked(): number {
    return this.#looked;
  }

  get source(): Sampler["source"] {
    return this.#sampler.source;
  }

  /** See `Sampler`. */
  get sweepFds(): number {
    return this.#sampler.sweepFds ?? 1;
  }

  /**
   * One scan. The first one takes the baseline, and delivers nothing.
   * @returns live processes that the sampler had no room for
   */
  sweep(): number {
    const startedNs = this.#clocks.boottimeNs();
    const awakeNs = this.#clocks.monotonicNs();
    this.#awakeNs = awakeNs - this.#lastAwakeNs;
    this.#sinks.view.table.beginSweep();
    const { unkept, leftOutThreads } = this.#sampler.sweep(this.#take);
    this.#lastNs = startedNs;
    this.#lastAwakeNs = awakeNs;
    this.#counts.dropped_no_memory += unkept;
    this.#counts.threads_not_summed += leftOutThreads;
    return unkept;
  }

  /** No scan for a while: the next one counts as a first one. */
  interrupt(): void {
    this.#lastNs = 0;
  }

  [Symbol.dispose](): void {
    this.#sampler[Symbol.dispose]();
  }

  #process(record: Record): void {
    const { view, drain } = this.#sinks;
    const { table } = view;
    let slot = table.match(record);
    if (slot === NO_SLOT && this.#lastNs !== 0) {
      // Born since the last look at the rings.
      drain();
      slot = table.match(record);
    }
    // It has ended since the scan saw it, and its exit has all figures.
    if (slot !== NO_SLOT && !table.isLive(slot)) return;
    view.accept(record);
    // If an older process is seen for the first time, such as after an exec by another thread, nothing shows when it
    // used its CPU time.
    const isFirst = (record.u32(SAMPLE_EVENT.known) & FIRST_SEEN) !== 0;
    const isNews = this.#lastNs !== 0 && (!isFirst || record.u64(SAMPLE_EVENT.start_ns) >= this.#lastNs);
    const cpuPct = isNews ? (100 * record.u64(SAMPLE_EVENT.runtime_ns)) / this.#awakeNs : Number.NaN;
    table.setSample(view.slot, cpuPct, view.rssBytes, view.threads);
    // The first scan reports no process.
    if (this.#lastNs === 0) return;
    this.#looked++;
    view.cpuPct = cpuPct;
    const sinks = this.#sinks;
    if (!sinks.wants(view)) return;
    sinks.note?.(view);
    if (sinks.reports?.(view) === false) return;
    if (!isNews) this.#counts.baseline_missing++;
    else if (sinks.sample(view)) this.#counts.emitted++;
    else this.#counts.dropped_output_full++;
  }
}
