import type { ByteWriter } from "../json/byte-writer.ts";
import { COMM_LEN } from "../wire/layout.gen.ts";
import { giveBack } from "./give-back.ts";

export interface HistoryOptions {
  /** Maximum number of frames kept. */
  maxFrames: number;
  /** Maximum number of bytes that they take together. */
  maxBytes: number;
  /** Called for each frame before it is dropped to make room. */
  dropped?: (seq: number) => void;
}

const FIRST_FRAMES = 256;
const FIRST_BYTES = 128 * 1024;
/** The ring grows by an eighth, and at least by this. If it doubled its size, half of it could stay unused. */
const STEP_BYTES = 64 * 1024;

/**
 * The last events in the form in which clients get them, encoded once for all clients. It is a ring of bytes with a
 * limit of events and of bytes, and it grows to these limits only if needed. Frames are numbered one after the other.
 */
export class EventHistory {
  readonly #options: HistoryOptions;
  #bytes = new Uint8Array(0);
  /** A view of the same memory, so that copying a frame into it allocates nothing. */
  #view = new DataView(this.#bytes.buffer);
  /** Bytes ever written, including gaps at the ring's end. Modulo the ring's size: where the next frame starts. */
  #head = 0;
  /** Length of the following arrays. Their index is a frame's number modulo this. */
  #capacity = 0;
  #start = new Float64Array(0);
  #length = new Uint32Array(0);
  #type = new Uint8Array(0);
  #pid = new Uint32Array(0);
  #comm = new Uint8Array(0);
  #first = 1;
  #next = 1;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** Number of the oldest frame that is kept; `next` if there is none. */
  get first(): number {
    return this.#first;
  }

  /** The number that the next frame gets. */
  get next(): number {
    return this.#next;
  }

  get frames(): number {
    return this.#next - this.#first;
  }

  /** Memory taken for frames, used or free. */
  get bytes(): number {
    return this.#bytes.length + this.#capacity * (8 + 4 + 1 + 4 + COMM_LEN);
  }

  /** Counts a frame that is not kept, and drops all earlier ones. */
  skip(): void {
    this.#next++;
    this.#first = this.#next;
  }

  /** Drops all frames and releases their memory. */
  clear(): void {
    this.#first = this.#next;
    this.#head = 0;
    this.#take(new Uint8Array(0));
    this.#resize(0);
  }

  /**
   * Stores a frame.
   * @param pid 0 if the event concerns no process
   * @param comm name of the process: bytes up to a NUL, at most `COMM_LEN`
   * @param frame its bytes are copied
   */
  append(type: number, pid: number, comm: Uint8Array, frame: ByteWriter): void {
    const { length } = frame;
    // Even for an empty frame, the ring must not be empty: a place is computed modulo the ring's size.
    this.#makeRoom(Math.max(length, 1));
    if (length > this.#bytes.length) {
      // Larger than the whole history: counted as missed.
      this.#options.dropped?.(this.#next);
      this.skip();
      return;
    }
    const at = this.#head % this.#bytes.length;
    // A frame never wraps around the end of the ring, because it is copied to clients in one piece.
    const start = at + length > this.#bytes.length ? this.#head + this.#bytes.length - at : this.#head;
    const row = this.#next & (this.#capacity - 1);
    const place = start % this.#bytes.length;
    frame.copyTo(this.#view, place);
    this.#start[row] = start;
    this.#length[row] = length;
    this.#type[row] = type;
    this.#pid[row] = pid;
    let i = 0;
    for (; i < COMM_LEN && i < comm.length && comm[i] !== 0; i++) this.#comm[row * COMM_LEN + i] = comm[i] as number;
    for (; i < COMM_LEN; i++) this.#comm[row * COMM_LEN + i] = 0;
    this.#head = start + length;
    this.#next++;
  }

  type(seq: number): number {
    return this.#type[seq & (this.#capacity - 1)] as number;
  }

  pid(seq: number): number {
    return this.#pid[seq & (this.#capacity - 1)] as number;
  }

  /** Whether the frame's process has that name, padded with NUL to `COMM_LEN`. */
  hasComm(seq: number, comm: Uint8Array): boolean {
    const from = (seq & (this.#capacity - 1)) * COMM_LEN;
    for (let i = 0; i < COMM_LEN; i++) if (this.#comm[from + i] !== comm[i]) return false;
    return true;
  }

  length(seq: number): number {
    return this.#length[seq & (this.#capacity - 1)] as number;
  }

  /**
   * Copies frames `first` to `end - 1` into `target`, from byte `to` on. Contiguous frames are copied in one piece.
   * @returns the number of bytes copied
   */
  copy(first: number, end: number, target: Uint8Array, to: number): number {
    const size = this.#bytes.length;
    let at = to;
    for (let seq = first; seq < end; ) {
      const start = this.#startOf(seq);
      const place = start % size;
      let length = 0;
      do length += this.length(seq++);
      while (seq < end && this.#startOf(seq) === start + length && place + length < size);
      target.set(this.#bytes.subarray(place, place + length), at);
      at += length;
    }
    return at - to;
  }

  #startOf(seq: number): number {
    return this.#start[seq & (this.#capacity - 1)] as number;
  }

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  #makeRoom(length: number): void {
    const { maxFrames, maxBytes } = this.#options;
    if (this.frames === this.#capacity && this.#capacity < maxFrames) {
      this.#resize(Math.max(FIRST_FRAMES, 2 * this.#capacity));
    }
    while (this.frames >= maxFrames) this.#drop();
    while (!this.#hasRoom(length)) {
      if (this.#bytes.length < maxBytes) this.#growBytes(length);
      else if (this.#first < this.#next) this.#drop();
      else return;
    }
  }

  #hasRoom(length: number): boolean {
    const size = this.#bytes.length;
    if (length > size) return false;
    if (this.#first === this.#next) return true;
    const at = this.#head % size;
    const start = at + length > size ? this.#head + size - at : this.#head;
    const oldest = this.#startOf(this.#first);
    return start + length - oldest <= size;
  }

  #drop(): void {
    this.#options.dropped?.(this.#first);
    this.#first++;
  }

  #growBytes(length: number): void {
    const old = this.#bytes;
    const grown = old.length + Math.max(STEP_BYTES, old.length >> 3);
    const wanted = Math.max(FIRST_BYTES, grown, 2 ** Math.ceil(Math.log2(length)));
    const larger = new Uint8Array(Math.min(this.#options.maxBytes, wanted));
    let head = 0;
    for (let seq = this.#first; seq < this.#next; seq++) {
      const length = this.copy(seq, seq + 1, larger, head);
      this.#start[seq & (this.#capacity - 1)] = head;
      head += length;
    }
    this.#take(larger);
    this.#head = head;
    giveBack(old);
  }

  /** @param capacity 0 or a power of two */
  #resize(capacity: number): void {
    const from = { start: this.#start, length: this.#length, type: this.#type, pid: this.#pid, comm: this.#comm };
    const oldMask = this.#capacity - 1;
    this.#capacity = capacity;
    this.#start = new Float64Array(capacity);
    this.#length = new Uint32Array(capacity);
    this.#type = new Uint8Array(capacity);
    this.#pid = new Uint32Array(capacity);
    this.#comm = new Uint8Array(capacity * COMM_LEN);
    for (let seq = this.#first; seq < this.#next; seq++) {
      const [was, row] = [seq & oldMask, seq & (capacity - 1)];
      this.#start[row] = from.start[was] as number;
      this.#length[row] = from.length[was] as number;
      this.#type[row] = from.type[was] as number;
      this.#pid[row] = from.pid[was] as number;
      this.#comm.set(from.comm.subarray(was * COMM_LEN, (was + 1) * COMM_LEN), row * COMM_LEN);
    }
  }
}
