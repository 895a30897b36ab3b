import type { Record } from "../wire/record.ts";
import type { Ring } from "./ring-set.ts";

/**
 * A record consists of a u32 with the length and the two bits below, a u32 for the kernel, the data, and padding to a
 * multiple of 8.
 */
const HEADER_BYTES = 8;
const BUSY = 2 ** 31;
const DISCARDED = 2 ** 30;
/** Number of values of a 32-bit word. */
const WORD = 4294967296;

const fenceWord = new Int32Array(1);

/**
 * Orders reads: reads before this call happen before reads after it. `Atomics.load` of the ring does not work, because
 * the runtime compiles it to an exchange. An exchange writes, and the memory is read-only.
 */
function fence(): void {
  Atomics.add(fenceWord, 0, 1);
}

/** The memory of a BPF ring; see `BpfRingMemory`. */
export interface BpfRingParts {
  readonly consumer: ArrayBuffer;
  readonly producer: ArrayBuffer;
  /** Its number of bytes is a power of two. */
  readonly data: ArrayBuffer;
}

/**
 * A BPF ring, to which all CPUs write. It is read in place. The positions of the producer and the consumer only grow;
 * their low bits are the offset in the ring.
 */
export class BpfRing implements Ring {
  /** Always 0, because the programs count records that have no room. */
  readonly lost = 0;
  readonly #u32: Uint32Array;
  readonly #u8: Uint8Array;
  readonly #mask: number;
  readonly #producer: Uint32Array;
  readonly #consumer: BigUint64Array;
  /** Position up to which records have been taken, and position up to which the kernel had written at the last look. */
  #position: number;
  #end: number;
  #released: number;
  /** Start and length of the data of the current record. */
  #start = 0;
  #length = 0;

  constructor({ consumer, producer, data }: BpfRingParts) {
    this.#u32 = new Uint32Array(data);
    this.#u8 = new Uint8Array(data);
    this.#mask = data.byteLength - 1;
    this.#producer = new Uint32Array(producer, 0, 2);
    this.#consumer = new BigUint64Array(consumer, 0, 1);
    this.#position = Number(this.#consumer[0]);
    this.#end = this.#position;
    this.#released = this.#position;
  }

  get size(): number {
    return this.#mask + 1;
  }

  get pendingBytes(): number {
    return this.#end - this.#position;
  }

  look(): boolean {
    // Since the last look the kernel has written at most one ring's length, which is less than 4 GiB.
    this.#end += ((this.#producer[0] as number) - this.#end) >>> 0;
    fence();
    return this.#end > this.#position;
  }

  find(): boolean {
    while (this.#position < this.#end) {
      const header = this.#word(this.#position);
      // A CPU is still writing this record, so the records behind it have to wait.
      if (header >= BUSY) return false;
      this.#length = header % DISCARDED;
      this.#start = this.#position + HEADER_BYTES;
      fence();
      if (header < DISCARDED) return true;
      this.take();
    }
    return false;
  }

  place(record: Record): void {
    record.attach(this.#u32, this.#u8);
    record.seek(this.#start & this.#mask, this.#length);
    record.sampleTimeNs = 0;
  }

  u64(offset: number): number {
    const at = this.#start + offset;
    return this.#word(at + 4) * WORD + this.#word(at);
  }

  take(): void {
    this.#position = this.#start + Math.ceil(this.#length / 8) * 8;
  }

  release(): void {
    if (this.#position === this.#released) return;
    Atomics.store(this.#consumer, 0, BigInt(this.#position));
    this.#released = this.#position;
  }

  #word(position: number): number {
    return this.#u32[(position & this.#mask) >>> 2] as number;
  }
}
