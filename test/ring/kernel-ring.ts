/** A ring as the kernel writes it, in memory of our own. */

/** include/uapi/linux/perf_event.h */
const PERF_RECORD_LOST = 2;
const PERF_RECORD_SAMPLE = 9;
const CONTROL_PAGE_BYTES = 4096;
const HEADER_BYTES = 8;

/**
 * The kernel's side of one CPU's perf ring (kernel/events/ring_buffer.c): puts samples behind `data_head` as long as
 * `data_tail` leaves room, counts what has none, and tells of those before the next sample that fits.
 */
export class KernelRing {
  /** What a reader maps: the control page, then the data. */
  readonly mapping: ArrayBuffer;
  readonly #control: BigUint64Array;
  readonly #data: Uint8Array;
  #head: bigint;
  #lost = 0n;

  /**
   * @param bytes of data: a power of two
   * @param start where both cursors stand at first: a multiple of 8
   */
  constructor(bytes: number, start = 0n) {
    this.mapping = new ArrayBuffer(CONTROL_PAGE_BYTES + bytes);
    this.#control = new BigUint64Array(this.mapping, 1024, 2);
    this.#data = new Uint8Array(this.mapping, CONTROL_PAGE_BYTES);
    this.#head = start;
    this.#control[0] = start;
    this.#control[1] = start;
  }

  get head(): bigint {
    return this.#head;
  }

  /** Up to where the reader has handed the room back. */
  get tail(): bigint {
    return this.#control[1] as bigint;
  }

  /** Bytes that `data` takes in the ring: header, the u32 that says how long it is, and both rounded up to 8. */
  static sizeOf(data: Uint8Array): number {
    return HEADER_BYTES + Math.ceil((4 + data.length) / 8) * 8;
  }

  /** Writes a sample as bpf_perf_event_output does; false where there is no room and it is lost. */
  sample(data: Uint8Array): boolean {
    const size = KernelRing.sizeOf(data);
    if (!this.#hasRoom(size + (this.#lost > 0n ? 24 : 0))) {
      this.#lost++;
      return false;
    }
    if (this.#lost > 0n) {
      this.lost(this.#lost);
      this.#lost = 0n;
    }
    const record = this.#record(PERF_RECORD_SAMPLE, size);
    // The kernel says how long the data is together with what fills it up.
    new DataView(record.buffer).setUint32(HEADER_BYTES, size - HEADER_BYTES - 4, true);
    record.set(data, HEADER_BYTES + 4);
    this.#append(record);
    return true;
  }

  /** Writes a PERF_RECORD_LOST. */
  lost(count: bigint): void {
    const record = this.#record(PERF_RECORD_LOST, 24);
    const id = 4711n;
    new DataView(record.buffer).setBigUint64(8, id, true);
    new DataView(record.buffer).setBigUint64(16, count, true);
    this.#append(record);
  }

  /** Writes a record of a type that no reader asked for. */
  other(type: number, size: number): void {
    this.#append(this.#record(type, size));
  }

  /** Writes bytes that are no record. */
  raw(bytes: Uint8Array): void {
    this.#append(bytes);
  }

  #record(type: number, size: number): Uint8Array<ArrayBuffer> {
    const record = new Uint8Array(size);
    const view = new DataView(record.buffer);
    view.setUint32(0, type, true);
    view.setUint16(4, 2, true); // misc: PERF_RECORD_MISC_USER
    view.setUint16(6, size, true);
    return record;
  }

  #hasRoom(size: number): boolean {
    // As CIRC_SPACE: head never catches up with tail, so that equal cursors mean empty.
    return Number(this.#head - this.tail) + size < this.#data.length;
  }

  #append(record: Uint8Array): void {
    const mask = BigInt(this.#data.length - 1);
    record.forEach((byte, i) => {
      this.#data[Number((this.#head + BigInt(i)) & mask)] = byte;
    });
    this.#head += BigInt(record.length);
    this.#control[0] = this.#head;
  }
}
