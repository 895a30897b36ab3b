import type { Counters, PageFaultCounters, SampleCounters } from "../wire/counters.ts";
import { COUNTED_TYPES, type CountByType } from "../wire/event.ts";
import { EVENT_EXEC, EVENT_FORK, EVENT_PAGE_FAULT } from "../wire/layout.gen.ts";
import type { KernelFeed } from "./kernel-feed.ts";
import type { TotalsReports } from "./totals-reports.ts";

/** The counts of a collector. The delivery counts the lines that the output did not accept. */
export type CollectorCounters = Omit<Counters, "unwritten">;

export interface SamplingWork {
  readonly counts: Readonly<SampleCounters>;
  /** See `Sampling.looked`. */
  readonly looked: number;
}

/** Counts the records that reached user space, and combines them with the counts of other parts. */
export class RunCounters {
  readonly #feed: KernelFeed;
  readonly #sampling: SamplingWork;
  readonly #totals: Pick<TotalsReports, "work">;
  readonly #completeness: { readonly unexplained: number | null };
  readonly #received: CountByType = { fork: 0, exec: 0, exit: 0 };
  #receivedPageFaults = 0;

  /** @param sampling, totals, completeness parts that have counts of their own */
  constructor(
    feed: KernelFeed,
    sampling: SamplingWork,
    totals: Pick<TotalsReports, "work">,
    completeness: { readonly unexplained: number | null },
  ) {
    this.#feed = feed;
    this.#completeness = completeness;
    this.#sampling = sampling;
    this.#totals = totals;
  }

  /** Counts one more record of that type. */
  count(type: number): void {
    // Page faults have their own counters, because the sums of the other types must balance without them.
    if (type === EVENT_PAGE_FAULT) this.#receivedPageFaults++;
    else if (type === EVENT_FORK) this.#received.fork++;
    else if (type === EVENT_EXEC) this.#received.exec++;
    else this.#received.exit++;
  }

  get received(): Readonly<CountByType> {
    return this.#received;
  }

  /**
   * Work so far that can leave garbage: records of all types, samples, and the groups and processes that totals read.
   */
  get work(): number {
    const { fork, exec, exit } = this.#received;
    return fork + exec + exit + this.#receivedPageFaults + this.#sampling.looked + this.#totals.work;
  }

  /** All counts so far. Reading them makes some system calls. */
  read(): CollectorCounters {
    const { backend, losses } = this.#feed;
    const { retried: _, lost_by_type, ...kernel } = backend.counts();
    return {
      ...kernel,
      received: { ...this.#received },
      skipped: backend.skipped(),
      lost: lost_by_type.fork + lost_by_type.exec + lost_by_type.exit,
      lost_by_type,
      lost_by_cpu: losses.byCpu(),
      page_faults: this.#pageFaults(),
      samples: { ...this.#sampling.counts },
      unexplained_forks: this.#completeness.unexplained,
    };
  }

  /** Whether every event that the kernel side saw was filtered, suppressed, folded, received or lost, of every type. */
  isEven(): boolean {
    const { seen, filtered, suppressed, folded, emitted, lost_by_type } = this.#feed.backend.counts();
    const faults = this.#feed.pageFaults?.counts();
    if (faults && faults.emitted !== this.#receivedPageFaults + faults.lost) return false;
    return COUNTED_TYPES.every(
      (type) =>
        seen[type] === filtered[type] + suppressed[type] + folded[type] + emitted[type] &&
        emitted[type] === this.#received[type] + lost_by_type[type],
    );
  }

  #pageFaults(): PageFaultCounters | null {
    const { pageFaults } = this.#feed;
    if (!pageFaults) return null;
    return { ...pageFaults.counts(), received: this.#receivedPageFaults, skipped: pageFaults.skipped() };
  }
}
