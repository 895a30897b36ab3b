/** A ring as the kernel writes it, in memory of our own. */

/** include/uapi/linux/perf_event.h */
const PERF_RECORD_LOST = 2;
const PERF_RECORD_SAMPLE = 9;
/** struct perf_event_mmap_page: data_head, then data_tail and data_offset. */
const CONTROL_AT = 1024;
/** struct perf_event_header, and the u64 time that PERF_SAMPLE_TIME asks for. */
const HEADER_BYTES = 8;
const SIZE_OFFSET = HEADER_BYTES + 8;
const DATA_OFFSET = SIZE_OFFSET + 4;

/**
 * The kernel's side of one CPU's perf ring (kernel/events/ring_buffer.c): puts samples behind `data_head` as long as
 * `data_tail` leaves room, counts what has none, and reports those before the next sample that fits.
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
   * @param page bytes of the control page
   */
  constructor(bytes: number, start = 0n, page = 4096) {
    this.mapping = new ArrayBuffer(page + bytes);
    this.#control = new BigUint64Array(this.mapping, CONTROL_AT, 3);
    this.#data = new Uint8Array(this.mapping, page);
    this.#head = start;
    this.#control[0] = start;
    this.#control[1] = start;
    this.#control[2] = BigInt(page);
  }

  get head(): bigint {
    return this.#head;
  }

  /** Up to where the reader has handed the room back. */
  get tail(): bigint {
    return this.#control[1] as bigint;
  }

  /** Bytes that so much data takes in the ring: with all that stands before it, and rounded up to 8. */
  static sizeOf(dataBytes: number): number {
    return Math.ceil((DATA_OFFSET + dataBytes) / 8) * 8;
  }

  /** Most data of a sample that takes `sampleBytes` bytes, a multiple of 8. */
  static dataOf(sampleBytes: number): number {
    return sampleBytes - DATA_OFFSET;
  }

  /**
   * Writes a sample as bpf_perf_event_output does; false if there is no room and it is lost.
   * @param timeNs of the scheduler's clock
   */
  sample(data: Uint8Array, timeNs = 0n): boolean {
    const size = KernelRing.sizeOf(data.length);
    if (!this.#hasRoom(size + (this.#lost > 0n ? 24 : 0))) {
      this.#lost++;
      return false;
    }
    if (this.#lost > 0n) {
      this.lost(this.#lost);
      this.#lost = 0n;
    }
    const record = this.#record(PERF_RECORD_SAMPLE, size);
    const view = new DataView(record.buffer);
    view.setBigUint64(HEADER_BYTES, timeNs, true);
    // The kernel says how long the data is together with what fills it up.
    view.setUint32(SIZE_OFFSET, KernelRing.dataOf(size), true);
    record.set(data, DATA_OFFSET);
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
