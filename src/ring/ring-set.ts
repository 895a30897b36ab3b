import { RecentPeak } from "../stats/recent-peak.ts";
import { Record } from "../wire/record.ts";
import { MinHeap } from "./min-heap.ts";

/**
 * How old a record must be to be passed on, ns. The timestamp of a record is taken a few microseconds before the record
 * becomes visible in its ring. Younger records stay in the ring until the next look. Otherwise a younger record of
 * another CPU could overtake a record that is still being written.
 */
const IN_FLIGHT_NS = 10_000;
/** Maximum number of looks in one drain. Each look takes records that were too young at the previous look. */
const MAX_LOOKS = 4;
/**
 * During a long drain: the number of records after which the rings release their space to the kernel and `goesOn` is
 * called.
 */
const RELEASE_EVERY = 256;
/** Default of `goesOn`. */
const always = () => true;

/** A ring of records, the oldest first. */
export interface Ring {
  /** Number of records that did not fit into the ring, as reported by the kernel. */
  readonly lost: number;
  /** Size of the ring, bytes. */
  readonly size: number;
  /** Bytes that the kernel had written at the last look and that were not taken. */
  readonly pendingBytes: number;
  /** Reads the position up to which the kernel has written. @returns whether there is a record */
  look(): boolean;
  /** Finds the next record up to the last look; it stays there until `take()`. @returns false when there is none */
  find(): boolean;
  /** Moves `record` to the record that `find` found. */
  place(record: Record): void;
  /** A 64-bit member of the record that `find` found, as a double. */
  u64(offset: number): number;
  /** Moves past the record that `find` found. */
  take(): void;
  /** Returns the space of all taken records to the kernel. */
  release(): void;
}

export interface RingSetOptions {
  /** Offset of the timestamp by which records are ordered: a u64 in each record, ns. */
  timestampOffset: number;
  /** The current time of the clock of these timestamps, ns. */
  now: () => number;
}

/**
 * Merges the rings of all CPUs into one stream, ordered by the kernel's time. Rings may be added and removed between
 * drains.
 *
 * Why a cause precedes its effect: a look reads the time first, and then how far each ring has been written. It passes
 * on only records from before that time. If it passes on B, and A caused B, then A was in its ring before the timestamp
 * of B was taken, and thus before the look read the rings. A is also older than B, so A comes first. Records without
 * such a relation may still come out of order, if a CPU was delayed between reading the clock and writing the record.
 * The set counts these records.
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

  /** Adds a ring. It must not be called during a drain. */
  add(ring: Ring): void {
    this.#rings.push(ring);
    this.#heap.reserve(this.#rings.length);
  }

  /** Removes a ring and the records in it. It must not be called during a drain. */
  remove(ring: Ring): void {
    const at = this.#rings.indexOf(ring);
    if (at >= 0) this.#rings.splice(at, 1);
  }

  /** Number of records that were passed on so far. */
  get received(): number {
    return this.#received;
  }

  /** Number of records that were passed on after a younger record. */
  get outOfOrder(): number {
    return this.#outOfOrder;
  }

  /** Number of records that did not fit into each ring, as reported by the kernel in the ring. */
  get lostByRing(): number[] {
    return this.#rings.map((ring) => ring.lost);
  }

  /**
   * The highest fill of a ring when it was drained (0 to 1), and the longest wait of a record in a ring; both of the
   * last 30 to 60 s.
   */
  get peaks(): { peakFill: number; peakDelayS: number } {
    const nowNs = this.#options.now();
    return { peakFill: this.#fill.at(nowNs), peakDelayS: this.#delayNs.at(nowNs) / 1e9 };
  }

  /** The highest fill of a ring when it was drained since the last call, 0 to 1. */
  takeFill(): number {
    const fill = this.#takenFill;
    this.#takenFill = 0;
    return fill;
  }

  /** Whether no ring contains a record. */
  isEmpty(): boolean {
    let isEmpty = true;
    for (const ring of this.#rings) if (ring.look()) isEmpty = false;
    return isEmpty;
  }

  /** Whether a ring contains more than this number of bytes of records. */
  holdsMoreThan(bytes: number): boolean {
    for (const ring of this.#rings) if (ring.look() && ring.pendingBytes > bytes) return true;
    return false;
  }

  /**
   * Passes the records of the rings to `consume`, oldest first. It always passes the same cursor, which is invalid
   * after `consume` returns.
   * @param goesOn called after every 256 records; if it returns false, the rest stays in the rings
   * @returns whether records stayed in the rings, because of `goesOn` or because they were too young
   */
  drain(consume: (record: Record) => void, goesOn = always): boolean {
    for (let look = 0; look < MAX_LOOKS; look++) {
      const end = this.#drainUntil(this.#options.now() - IN_FLIGHT_NS, consume, goesOn);
      if (end !== "too young") return end === "stopped";
    }
    return true;
  }

  /** Passes on all records, even the youngest ones. Call it only at the end, when no program writes any more. */
  drainAll(consume: (record: Record) => void): void {
    this.#drainUntil(Number.POSITIVE_INFINITY, consume, always);
  }

  /** Makes one look. @returns why it ended */
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
        // The record is taken first. If `consume` throws, the same record must not come again and again.
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
    // `drainAll` has no horizon, so the time is unknown here.
    if (nowNs === Number.POSITIVE_INFINITY) return;
    this.#fill.add(fill, nowNs);
    this.#delayNs.add(nowNs - oldestNs, nowNs);
  }

  #release(): void {
    for (const ring of this.#rings) ring.release();
  }
}
