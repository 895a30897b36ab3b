/** Writing by a thread of glibc's, aio(7). */
import { dlopen } from "bun:ffi";
import { constants } from "node:os";
import { checkLibc, NativeError } from "./errno.ts";
import { addressOf, type Pointer } from "./native.ts";
import { LIBRT_SYMBOLS } from "./symbols.ts";

/* struct aiocb of glibc, the same on every 64-bit architecture. */
const AIOCB_BYTES = 168;
const FD = 0;
const BUFFER = 16;
const LENGTH = 24;
const NOTIFY = 44;
/** sigevent(7): the end of a write is looked for, not signalled. */
const SIGEV_NONE = 1;

/* struct aioinit: eight ints. */
const AIOINIT_INTS = 8;
const THREADS = 0;
const REQUESTS = 1;
const IDLE_S = 6;
/** A write that never ends keeps its thread: enough for some files that hang. */
const MAX_THREADS = 8;
/** Longer than the flush interval: to make a thread costs more than to wake one. */
const IDLE_THREAD_S = 5;

const { EINPROGRESS } = constants.errno;

function openLibrt() {
  const { symbols } = dlopen("librt.so.1", LIBRT_SYMBOLS);
  const init = new Int32Array(AIOINIT_INTS);
  init[THREADS] = MAX_THREADS;
  init[REQUESTS] = MAX_THREADS;
  init[IDLE_S] = IDLE_THREAD_S;
  symbols.aio_init(addressOf(init));
  return symbols;
}

let symbols: ReturnType<typeof openLibrt> | undefined;

function librt(): ReturnType<typeof openLibrt> {
  symbols ??= openLibrt();
  return symbols;
}

/**
 * One write at a time to the end of a file, on another thread: a filesystem that does not answer stops only that thread.
 * The end of a write wakes nothing here, so it costs no turn of the event loop; ask for it by {@link result}.
 */
export class AioWrite {
  readonly #librt = librt();
  readonly #block = new DataView(new ArrayBuffer(AIOCB_BYTES));
  readonly #address: Pointer = addressOf(this.#block.buffer);
  /** The thread reads this memory: it must not be collected. */
  #bytes: Uint8Array | undefined;

  get isUnderWay(): boolean {
    return this.#bytes !== undefined;
  }

  /**
   * Starts to write all of `bytes`, which the caller leaves as they are until it is done.
   * @param fd a file that was opened with O_APPEND: the kernel takes no offset for it then
   * @throws NativeError if no thread can be started
   */
  start(fd: number, bytes: Uint8Array): void {
    const block = this.#block;
    block.setInt32(FD, fd, true);
    block.setBigUint64(BUFFER, BigInt(addressOf(bytes)), true);
    block.setBigUint64(LENGTH, BigInt(bytes.length), true);
    block.setInt32(NOTIFY, SIGEV_NONE, true);
    checkLibc("aio_write", this.#librt.aio_write(this.#address));
    this.#bytes = bytes;
  }

  /**
   * How many bytes were written; null while the write is under way.
   * @throws NativeError if the write failed
   */
  result(): number | null {
    const errno = this.#librt.aio_error(this.#address);
    if (errno === EINPROGRESS) return null;
    this.#bytes = undefined;
    const written = Number(this.#librt.aio_return(this.#address));
    if (errno !== 0) throw new NativeError("write", errno);
    return written;
  }
}
