import type { Record } from "../wire/record.ts";
import type { Ring } from "./ring-set.ts";

/** include/uapi/linux/perf_event.h */
const PERF_RECORD_LOST = 2;
const PERF_RECORD_SAMPLE = 9;
/** struct perf_event_mmap_page: data_head, data_tail and data_offset are the u64 at bytes 1024, 1032 and 1040. */
const CONTROL_AT = 1024;
const DATA_HEAD = 0;
const DATA_TAIL = 1;
const DATA_OFFSET = 2;
/** Indexes of their low words in `#controlWords`. The machines that linnix runs on are little-endian. */
const DATA_HEAD_LOW = 2 * DATA_HEAD;
const DATA_TAIL_LOW = 2 * DATA_TAIL;
/** Number of values of a 32-bit word. */
const WORD = 4294967296;
/** A sample: struct perf_event_header, the u64 time (PERF_SAMPLE_TIME), the u32 length of the raw data, the data. */
const TIME_OFFSET = 8;
const RAW_SIZE_OFFSET = 16;
const RAW_DATA_OFFSET = 20;

/**
 * The perf ring of one CPU. It is read in place. The kernel moves `data_head`, and linnix moves `data_tail`. Both only
 * grow, and their low bits are the offset in the ring. A record may cross the end of the ring.
 */
export class PerfRing implements Ring {
  readonly #u32: Uint32Array;
  readonly #u8: Uint8Array;
  readonly #mask: number;
  readonly #control: BigUint64Array;
  /** The same memory in words: each read of a BigInt allocates an object, and `look` must allocate nothing. */
  readonly #controlWords: Int32Array;
  /** Position up to which records have been taken, and position up to which the kernel had written at the last look. */
  #position: number;
  #end: number;
  #lost = 0;
  /** Position up to which the space has been released to the kernel. */
  #released: number;
  /** Start and length of the data of the current record. */
  #start = 0;
  #length = 0;
  #next: number;

  /** @param mapping the control page, followed by the data area, whose size is a power of two */
  constructor(mapping: ArrayBuffer) {
    this.#control = new BigUint64Array(mapping, CONTROL_AT, 3);
    this.#controlWords = new Int32Array(mapping, CONTROL_AT, 4);
    // The size of the control page differs between kernels, so the kernel reports where the data begins.
    const dataOffset = Number(this.#control[DATA_OFFSET]);
    this.#u32 = new Uint32Array(mapping, dataOffset);
    this.#u8 = new Uint8Array(mapping, dataOffset);
    this.#mask = this.#u8.length - 1;
    this.#position = Number(Atomics.load(this.#control, DATA_TAIL));
    this.#end = this.#position;
    this.#next = this.#position;
    this.#released = this.#position;
  }

  /** Data bytes of the ring. */
  get size(): number {
    return this.#u8.length;
  }

  /** Number of records that did not fit into this ring, as reported by the kernel. */
  get lost(): number {
    return this.#lost;
  }

  /** Bytes that the kernel had written at the last look and that were not taken. */
  get pendingBytes(): number {
    return this.#end - this.#position;
  }

  /**
   * Reads the position up to which the kernel has written. All data before that position is visible after the call. The
   * low word suffices: since the last look the kernel has written at most one ring's length, which is less than 4 GiB.
   * @returns whether there is a record
   */
  look(): boolean {
    this.#end += (Atomics.load(this.#controlWords, DATA_HEAD_LOW) - this.#end) >>> 0;
    return this.#end > this.#position;
  }

  /**
   * Finds the next sample up to the last look; returns false if there is none. The sample stays in the ring until
   * `take()`.
   */
  find(): boolean {
    while (this.#position < this.#end) {
      const header = this.#word(this.#position + 4);
      const size = header >>> 16;
      const type = this.#word(this.#position);
      if (size === 0) throw new Error("the perf ring holds a record without a length");
      if (type === PERF_RECORD_SAMPLE) {
        this.#length = this.#word(this.#position + RAW_SIZE_OFFSET);
        this.#start = this.#position + RAW_DATA_OFFSET;
        this.#next = this.#position + size;
        return true;
      }
      // struct { header; u64 id; u64 lost; }
      if (type === PERF_RECORD_LOST) this.#lost += this.#word(this.#position + 16);
      this.#position += size;
    }
    return false;
  }

  /** Moves `record` to the sample that `find` found. */
  place(record: Record): void {
    record.attach(this.#u32, this.#u8);
    record.seek(this.#start & this.#mask, this.#length);
    record.sampleTimeNs = this.u64(TIME_OFFSET - RAW_DATA_OFFSET);
  }

  /** A 64-bit member of the sample that `find` found, as a double. */
  u64(offset: number): number {
    const at = this.#start + offset;
    return this.#word(at + 4) * WORD + this.#word(at);
  }

  /** Moves past the sample that `find` found. `release()` returns its space to the kernel. */
  take(): void {
    this.#position = this.#next;
  }

  /** Returns the space of all taken records to the kernel. Cursors on these records are invalid after that. */
  release(): void {
    const position = this.#position;
    if (position === this.#released) return;
    // If only the low word changes, one 32-bit store suffices, and the kernel never reads a half-written position.
    if (Math.floor(position / WORD) === Math.floor(this.#released / WORD)) {
      Atomics.store(this.#controlWords, DATA_TAIL_LOW, position | 0);
    } else {
      Atomics.store(this.#control, DATA_TAIL, BigInt(position));
    }
    this.#released = position;
  }

  #word(position: number): number {
    return this.#u32[(position & this.#mask) >>> 2] as number;
  }
}
