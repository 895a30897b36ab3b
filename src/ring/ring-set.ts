import { RecentPeak } from "../stats/recent-peak.ts";
import { Record } from "../wire/record.ts";
import { MinHeap } from "./min-heap.ts";

/**
 * A record's time is taken a few microseconds before it becomes visible in its
 * ring. What is younger than this is left for the next look, so that a record
 * which is still being written is not overtaken by a younger one of another CPU.
 */
const IN_FLIGHT_NS = 10_000;
/** Looks for each drain: the second takes what was too young for the first. */
const MAX_LOOKS = 4;
/** During a long drain: the number of records after which the kernel gets the room back and `goesOn` is called. */
const RELEASE_EVERY = 256;
/** Who takes everything. */
const always = () => true;

/** What holds records, the oldest first. */
export interface Ring {
  /** Records that the kernel says it had no room for. */
  readonly lost: number;
  /** Bytes of records that it has room for. */
  readonly size: number;
  /** Bytes that the kernel had written at the last look and that were not taken. */
  readonly pendingBytes: number;
  /** Looks how far the kernel has written. @returns whether there is something */
  look(): boolean;
  /** Finds the next record up to the last look; it stays there until `take()`. @returns false when there is none */
  find(): boolean;
  /** Moves `record` to the record that `find` found. */
  place(record: Record): void;
  /** A 64-bit member of what `find` found, as a double. */
  u64(offset: number): number;
  /** Leaves what `find` found behind. */
  take(): void;
  /** Hands everything that was taken back to the kernel. */
  release(): void;
}

export interface RingSetOptions {
  /** Offset of the u64 in every record by which they are ordered (ns). */
  timestampOffset: number;
  /** The clock of these timestamps, now (ns). */
  now: () => number;
}

/**
 * The rings of all CPUs, which may come and go between drains, as one stream in the kernel's order of time.
 *
 * Why this keeps cause before effect: a look takes the time first and the
 * rings' heads after it, and gives out only what happened before that time. If
 * B is given out and A caused B, then A was in its ring before B's time was
 * taken, thus before the heads were read, and is older than B: it goes first.
 * Records without such a tie may still come out of order when a CPU was held up
 * between taking the time and writing; these are counted.
 */
export class RingSet {
  readonly #rings: Ring[];
  readonly #options: RingSetOptions;
  readonly #heap: MinHeap;
  readonly #record = new Record();
  readonly #fill = new RecentPeak();
  readonly #delayNs = new RecentPeak();
  #takenFill = 0;
  #received = 0;
  #outOfOrder = 0;
  #lastNs = 0;

  constructor(rings: readonly Ring[], options: RingSetOptions) {
    this.#rings = [...rings];
    this.#options = options;
    this.#heap = new MinHeap(rings.length);
  }

  /** Takes one more ring; not while it drains. */
  add(ring: Ring): void {
    this.#rings.push(ring);
    this.#heap.reserve(this.#rings.length);
  }

  /** Leaves a ring out, with what it still holds; not while it drains. */
  remove(ring: Ring): void {
    const at = this.#rings.indexOf(ring);
    if (at >= 0) this.#rings.splice(at, 1);
  }

  /** Samples given out so far. */
  get received(): number {
    return this.#received;
  }

  /** Samples that were given out after a younger one. */
  get outOfOrder(): number {
    return this.#outOfOrder;
  }

  /** Records that the rings had no room for, by ring, from the kernel's own marks in the rings. */
  get lostByRing(): number[] {
    return this.#rings.map((ring) => ring.lost);
  }

  /** The highest share of a ring that was full when it was emptied, and the longest wait of a record, both recent. */
  get peaks(): { peakFill: number; peakDelayS: number } {
    const nowNs = this.#options.now();
    return { peakFill: this.#fill.at(nowNs), peakDelayS: this.#delayNs.at(nowNs) / 1e9 };
  }

  /** The highest share of a ring that was full when it was emptied since the last call. */
  takeFill(): number {
    const fill = this.#takenFill;
    this.#takenFill = 0;
    return fill;
  }

  /** Whether nothing was written since the last drain. */
  isEmpty(): boolean {
    let isEmpty = true;
    for (const ring of this.#rings) if (ring.look()) isEmpty = false;
    return isEmpty;
  }

  /** Whether a ring holds more bytes than this that were not taken. */
  holdsMoreThan(bytes: number): boolean {
    for (const ring of this.#rings) if (ring.look() && ring.pendingBytes > bytes) return true;
    return false;
  }

  /**
   * Passes the records of the rings to `consume`, oldest first. It always passes the same cursor, which is invalid
   * after `consume` returns.
   * @param goesOn called every few hundred records; if it returns false, the rest stays in the rings
   * @returns whether records stayed in the rings, because of `goesOn` or because they were too young
   */
  drain(consume: (record: Record) => void, goesOn = always): boolean {
    for (let look = 0; look < MAX_LOOKS; look++) {
      const end = this.#drainUntil(this.#options.now() - IN_FLIGHT_NS, consume, goesOn);
      if (end !== "too young") return end === "stopped";
    }
    return true;
  }

  /** Gives out everything, also the youngest: for the end, when no program runs any more. */
  drainAll(consume: (record: Record) => void): void {
    this.#drainUntil(Number.POSITIVE_INFINITY, consume, always);
  }

  /** @returns why it ended */
  #drainUntil(
    horizonNs: number,
    consume: (record: Record) => void,
    goesOn: () => boolean,
  ): "empty" | "too young" | "stopped" {
    const { timestampOffset } = this.#options;
    const heap = this.#heap;
    heap.clear();
    let fill = 0;
    for (let i = 0; i < this.#rings.length; i++) {
      const ring = this.#rings[i] as Ring;
      ring.look();
      fill = Math.max(fill, ring.pendingBytes / ring.size);
      if (ring.find()) heap.push(i, ring.u64(timestampOffset));
    }
    if (fill > this.#takenFill) this.#takenFill = fill;
    if (heap.size > 0) this.#note(fill, heap.topKey, horizonNs + IN_FLIGHT_NS);
    let taken = 0;
    try {
      while (heap.size > 0 && heap.topKey <= horizonNs) {
        const ring = this.#rings[heap.top] as Ring;
        if (heap.topKey < this.#lastNs) this.#outOfOrder++;
        else this.#lastNs = heap.topKey;
        ring.place(this.#record);
        // Taken even when `consume` throws: a record that cannot be dealt with must not come again for ever.
        ring.take();
        this.#received++;
        consume(this.#record);
        if (++taken % RELEASE_EVERY === 0) {
          this.#release();
          // The next drain builds the heap again, from the current position of each ring.
          if (!goesOn()) return "stopped";
        }
        if (ring.find()) heap.replaceTop(ring.u64(timestampOffset));
        else heap.pop();
      }
    } finally {
      this.#release();
    }
    return heap.size > 0 ? "too young" : "empty";
  }

  #note(fill: number, oldestNs: number, nowNs: number): void {
    // The last drain takes everything, so it does not need the time.
    if (nowNs === Number.POSITIVE_INFINITY) return;
    this.#fill.add(fill, nowNs);
    this.#delayNs.add(nowNs - oldestNs, nowNs);
  }

  #release(): void {
    for (const ring of this.#rings) ring.release();
  }
}
