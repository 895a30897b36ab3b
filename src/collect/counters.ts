import type { Counters, PageFaultCounters, SampleCounters } from "../wire/counters.ts";
import { COUNTED_TYPES, type CountByType } from "../wire/event.ts";
import { EVENT_EXEC, EVENT_FORK, EVENT_PAGE_FAULT } from "../wire/layout.gen.ts";
import type { KernelFeed } from "./kernel-feed.ts";

/** What a collector counts; the output's counts are the delivery's. */
export type CollectorCounters = Omit<Counters, "unwritten">;

/** What reached user space, beside what the kernel side counted. */
export class RunCounters {
  readonly #feed: KernelFeed;
  readonly #samples: Readonly<SampleCounters>;
  readonly #completeness: { readonly unexplained: number | null };
  readonly #received: CountByType = { fork: 0, exec: 0, exit: 0 };
  #receivedPageFaults = 0;

  /** @param samples, completeness counted elsewhere */
  constructor(
    feed: KernelFeed,
    samples: Readonly<SampleCounters>,
    completeness: { readonly unexplained: number | null },
  ) {
    this.#feed = feed;
    this.#completeness = completeness;
    this.#samples = samples;
  }

  /** Counts one more record of that type. */
  count(type: number): void {
    // Page faults apart from the other types: their sums have to come out without them.
    if (type === EVENT_PAGE_FAULT) this.#receivedPageFaults++;
    else if (type === EVENT_FORK) this.#received.fork++;
    else if (type === EVENT_EXEC) this.#received.exec++;
    else this.#received.exit++;
  }

  get received(): Readonly<CountByType> {
    return this.#received;
  }

  /** Records of all types and samples. */
  get receivedInAll(): number {
    const { fork, exec, exit } = this.#received;
    return fork + exec + exit + this.#receivedPageFaults + this.#samples.emitted;
  }

  /** All counts so far. Some system calls. */
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
      samples: { ...this.#samples },
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
