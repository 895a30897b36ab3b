/**
 * A cursor over binary records, in a ring or in a plain buffer. A record may continue at the start of the ring. The
 * cursor moves from record to record without copying or allocating.
 */
export class Record {
  #u32: Uint32Array = new Uint32Array(0);
  #u8: Uint8Array = new Uint8Array(0);
  #mask32 = 0;
  #mask8 = 0;
  #start8 = 0;
  /** Length of the record in bytes, possibly with a few bytes of padding from the ring. */
  length = 0;
  /** The scheduler's clock when the record was written, ns; 0 if the record does not come from a perf ring. */
  sampleTimeNs = 0;

  /**
   * Moves the cursor to a ring's data area; `seek` then selects the record.
   * @param u32, u8 two views of the same memory, whose number of bytes is a power of two
   */
  attach(u32: Uint32Array, u8: Uint8Array): void {
    this.#u32 = u32;
    this.#u8 = u8;
    this.#mask32 = u32.length - 1;
    this.#mask8 = u8.length - 1;
  }

  /** Selects the record of `length` bytes at byte `start`, which is a multiple of 4 and smaller than the ring. */
  seek(start: number, length: number): void {
    this.#start8 = start;
    this.length = length;
  }

  u8(offset: number): number {
    return this.#u8[(this.#start8 + offset) & this.#mask8] as number;
  }

  u16(offset: number): number {
    return this.u8(offset) | (this.u8(offset + 1) << 8);
  }

  /** `offset` must be a multiple of 4, as the offsets of all 32-bit members are. */
  u32(offset: number): number {
    return this.#u32[((this.#start8 + offset) >>> 2) & this.#mask32] as number;
  }

  /** A 64-bit member as a double: exact below 2^53. */
  u64(offset: number): number {
    return this.u32(offset + 4) * 4294967296 + this.u32(offset);
  }

  /** A 64-bit member, exact. */
  big(offset: number): bigint {
    return (BigInt(this.u32(offset + 4)) << 32n) | BigInt(this.u32(offset));
  }

  /** Copies `length` bytes from `offset` to `target` at `to`. */
  copy(offset: number, length: number, target: Uint8Array, to: number): void {
    const from = (this.#start8 + offset) & this.#mask8;
    const first = Math.min(length, this.#mask8 + 1 - from);
    // Most copies are short. For these a loop is faster than a view and a call.
    if (length <= 64) {
      for (let i = 0; i < length; i++) target[to + i] = this.#u8[(from + i) & this.#mask8] as number;
      return;
    }
    target.set(this.#u8.subarray(from, from + first), to);
    if (first < length) target.set(this.#u8.subarray(0, length - first), to + first);
  }
}

/** A cursor on a record in a plain buffer, for records that do not come from a ring, and for tests. */
export function recordIn(bytes: Uint8Array): Record {
  const size = 2 ** Math.ceil(Math.log2(Math.max(bytes.length, 4)));
  const buffer = new ArrayBuffer(size);
  new Uint8Array(buffer).set(bytes);
  const record = new Record();
  record.attach(new Uint32Array(buffer), new Uint8Array(buffer));
  record.seek(0, bytes.length);
  return record;
}
