/** A ring in memory of the test, written as the kernel writes it. */

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
 * The kernel's side of one CPU's perf ring (kernel/events/ring_buffer.c): writes samples at `data_head` while
 * `data_tail` leaves room, counts samples without room, and reports the count before the next sample that fits.
 */
export class KernelRing {
  /** The memory that a reader maps: the control page, then the data. */
  readonly mapping: ArrayBuffer;
  readonly #control: BigUint64Array;
  readonly #data: Uint8Array;
  #head: bigint;
  #lost = 0n;

  /**
   * @param bytes of data: a power of two
   * @param start initial value of both cursors: a multiple of 8
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

  /** Position up to which the reader has released the data. */
  get tail(): bigint {
    return this.#control[1] as bigint;
  }

  /** Bytes in the ring for `dataBytes` of data: with the headers, rounded up to 8. */
  static sizeOf(dataBytes: number): number {
    return Math.ceil((DATA_OFFSET + dataBytes) / 8) * 8;
  }

  /** Maximum data of a sample of `sampleBytes` bytes, a multiple of 8. */
  static dataOf(sampleBytes: number): number {
    return sampleBytes - DATA_OFFSET;
  }

  /**
   * Writes a sample as bpf_perf_event_output does; false if there is no room and it is lost.
   * @param timeNs time of the scheduler's clock
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
    // The kernel's size of the data includes its padding.
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

  /** Writes a record of another type, which the reader must skip. */
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
    // As with CIRC_SPACE, head never reaches tail, so that equal cursors mean empty.
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
