import type { PageFaultCounts } from "../probes/page-faults.ts";
import type { CountByType } from "../wire/event.ts";
import { EVENT_EXEC, EVENT_FORK, EVENT_PAGE_FAULT } from "../wire/layout.gen.ts";
import type { KernelFeed } from "./kernel-feed.ts";

const TYPES = ["fork", "exec", "exit"] as const;

/** What reached user space, beside what the kernel says it handed over. */
export class Balance {
  readonly #feed: KernelFeed;
  readonly #received: CountByType = { fork: 0, exec: 0, exit: 0 };
  #receivedPageFaults = 0;

  constructor(feed: KernelFeed) {
    this.#feed = feed;
  }

  /** One more record of that type. */
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

  /** Records of all types, page faults among them. */
  get receivedInAll(): number {
    const { fork, exec, exit } = this.#received;
    return fork + exec + exit + this.#receivedPageFaults;
  }

  /** The kernel's counts of page faults, with those that reached user space; null where they are not told of. */
  pageFaults(): (PageFaultCounts & { received: number; skipped: number }) | null {
    const { pageFaults } = this.#feed;
    if (!pageFaults) return null;
    return { ...pageFaults.counts(), received: this.#receivedPageFaults, skipped: pageFaults.skipped() };
  }

  /** Whether emitted = received + lost, for every type. */
  isEven(): boolean {
    const { emitted, lost } = this.#feed.backend.counts();
    const faults = this.#feed.pageFaults?.counts();
    if (faults && faults.emitted !== this.#receivedPageFaults + faults.lost) return false;
    return TYPES.every((type) => emitted[type] === this.#received[type] + lost[type]);
  }
}
