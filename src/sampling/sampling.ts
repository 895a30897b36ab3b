import type { EventView } from "../process/event-view.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import { boottimeNs, monotonicNs } from "../sys/clock.ts";
import { noSamples, type SampleCounters } from "../wire/counters.ts";
import { FIRST_SEEN, SAMPLE_EVENT } from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import type { Sampler } from "./sampler.ts";

export interface SamplingSinks {
  /** The view that represents a sample; the figures are stored in its table. */
  view: EventView;
  /**
   * Delivers the records in the rings. The fork of a process must precede its first sample, and an exec the first sample
   * with the new name. Also, the rings must not fill up during a scan of many active processes. A drain costs almost
   * nothing if the rings are empty.
   */
  drain(): void;
  /** Whether a sample passes the filters. */
  wants(view: EventView): boolean;
  /** Called for each sample that passes the filters, delivered or not. */
  note?(view: EventView): void;
  /** Whether a sample that passes the filters is delivered. If absent, every one is delivered. */
  reports?(view: EventView): boolean;
  /** Delivers one sample. The view is invalid after the call. Returns false if the output is full. */
  sample(view: EventView): boolean;
}

/** Number of samples between two drains of the rings during a scan: they take half a millisecond. */
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
  /** Start of the previous scan, CLOCK_BOOTTIME, ns; 0 if there was none, or after `interrupt()`. */
  #lastNs = 0;
  /** The same on CLOCK_MONOTONIC, which excludes suspended time. CPU time is divided by this clock's time. */
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
   * @param sampler disposed together with this object
   * @param counts the counters to continue from
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

  /** Number of samples so far, emitted or not, without those of a first scan. */
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
   * Makes one scan. The first scan stores the baseline and delivers nothing.
   * @returns the number of live processes for which the sampler had no room
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

  /** Call it when scans pause: the next scan counts as a first one. */
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
    if (this.#lastNs !== 0 && (slot === NO_SLOT || !table.isNamed(slot, record))) {
      // The process was created after the last drain of the rings, or its exec happened after it.
      drain();
      slot = table.match(record);
    }
    // The process has ended after the scan saw it, and its exit contains all figures.
    if (slot !== NO_SLOT && !table.isLive(slot)) return;
    view.accept(record);
    // If an older process is seen for the first time, for example after an exec by another thread, it is unknown when
    // it used its CPU time.
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
