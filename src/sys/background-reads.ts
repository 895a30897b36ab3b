/** Reads files whose read may hang. Threads of glibc read them (aio(7)), so the caller can stop waiting. */
import { AIOCB, aio, SIGEV_NONE } from "./aio.ts";
import { addressOf, type Pointer } from "./native.ts";

const LIO_NOWAIT = 1;
const EAGAIN = 11;
const EINPROGRESS = 115;
const POINTER_BYTES = 8;

/** Reads that are not done. The references preserve their memory, because a thread may still write to it. */
const unfinished = new Set<BackgroundReads>();

/** Reads the first bytes of several files at the same time. */
export class BackgroundReads {
  readonly capacity: number;
  readonly #maxBytes: number;
  readonly #blocks: Uint8Array<ArrayBuffer>;
  readonly #words: Int32Array;
  readonly #view: DataView;
  readonly #buffers: Uint8Array;
  readonly #list: BigUint64Array;
  readonly #timeout = new BigInt64Array(2);
  #count = 0;

  /**
   * @param capacity maximum number of files
   * @param maxBytes maximum number of bytes to read of each file
   */
  constructor(capacity: number, maxBytes: number) {
    this.capacity = capacity;
    this.#maxBytes = maxBytes;
    this.#blocks = new Uint8Array(capacity * AIOCB.size);
    this.#words = new Int32Array(this.#blocks.buffer);
    this.#view = new DataView(this.#blocks.buffer);
    this.#buffers = new Uint8Array(capacity * maxBytes);
    this.#list = new BigUint64Array(capacity);
  }

  /** Begins to read these files. Do not close a file before its read is done. All earlier reads must be done. */
  begin(fds: readonly number[]): void {
    const view = this.#view;
    const blocks = Number(addressOf(this.#blocks));
    const buffers = Number(addressOf(this.#buffers));
    this.#blocks.fill(0, 0, fds.length * AIOCB.size);
    for (let i = 0; i < fds.length; i++) {
      const at = i * AIOCB.size;
      view.setInt32(at + AIOCB.fd, fds[i] as number, true);
      view.setBigUint64(at + AIOCB.buffer, BigInt(buffers + i * this.#maxBytes), true);
      view.setBigUint64(at + AIOCB.length, BigInt(this.#maxBytes), true);
      view.setInt32(at + AIOCB.notify, SIGEV_NONE, true);
      // A read that the C library does not accept keeps this error, and so counts as failed.
      view.setInt32(at + AIOCB.error, EAGAIN, true);
      this.#list[i] = BigInt(blocks + at);
    }
    this.#count = fds.length;
    unfinished.add(this);
    // The block of a read that could not be started has an error.
    aio().lio_listio(LIO_NOWAIT, addressOf(this.#list), fds.length, null);
  }

  isDone(index: number): boolean {
    return Atomics.load(this.#words, (index * AIOCB.size + AIOCB.error) / 4) !== EINPROGRESS;
  }

  /** Whether all reads are done. Their memory can then be freed or reused. */
  isOver(): boolean {
    for (let i = 0; i < this.#count; i++) if (!this.isDone(i)) return false;
    unfinished.delete(this);
    return true;
  }

  /** Waits for at most `ms` until a read is done; `ms` above 999 count as 999. Returns whether the read is done. */
  wait(index: number, ms: number): boolean {
    if (this.isDone(index)) return true;
    this.#timeout[0] = 0n;
    this.#timeout[1] = BigInt(Math.min(999, ms)) * 1_000_000n;
    const one = (Number(addressOf(this.#list)) + index * POINTER_BYTES) as Pointer;
    aio().aio_suspend(one, 1, addressOf(this.#timeout));
    return this.isDone(index);
  }

  /**
   * The bytes of a read; null if the read failed. Call it only after the read is done. The next `begin` overwrites the
   * bytes.
   */
  bytes(index: number): Uint8Array | null {
    const at = index * AIOCB.size;
    const length = Number(this.#view.getBigInt64(at + AIOCB.result, true));
    if (this.#view.getInt32(at + AIOCB.error, true) !== 0 || length < 0) return null;
    const start = index * this.#maxBytes;
    return this.#buffers.subarray(start, start + length);
  }
}
