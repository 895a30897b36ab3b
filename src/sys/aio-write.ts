/** Writes to a file by a thread of glibc. */
import { constants } from "node:os";
import { AIOCB, aio, SIGEV_NONE } from "./aio.ts";
import { checkLibc, NativeError } from "./errno.ts";
import { addressOf, type Pointer } from "./native.ts";

const { EINPROGRESS } = constants.errno;

/**
 * Writes to the end of a file on another thread, one write at a time. A filesystem that does not answer blocks only
 * that thread. The end of a write does not wake the event loop. The caller polls {@link result}.
 */
export class AioWrite {
  readonly #aio = aio();
  readonly #block = new DataView(new ArrayBuffer(AIOCB.size));
  readonly #address: Pointer = addressOf(this.#block.buffer);
  /** The thread reads this memory, so the reference prevents garbage collection. */
  #bytes: Uint8Array | undefined;

  get isUnderWay(): boolean {
    return this.#bytes !== undefined;
  }

  /**
   * Starts to write all of `bytes`. The caller must not change them before the write is done.
   * @param fd a file that was opened with O_APPEND, because the write has no offset
   * @throws NativeError if no thread can be started
   */
  start(fd: number, bytes: Uint8Array): void {
    const block = this.#block;
    block.setInt32(AIOCB.fd, fd, true);
    block.setBigUint64(AIOCB.buffer, BigInt(addressOf(bytes)), true);
    block.setBigUint64(AIOCB.length, BigInt(bytes.length), true);
    block.setInt32(AIOCB.notify, SIGEV_NONE, true);
    checkLibc("aio_write", this.#aio.aio_write(this.#address));
    this.#bytes = bytes;
  }

  /**
   * Number of bytes that were written; null while the write is under way.
   * @throws NativeError if the write failed
   */
  result(): number | null {
    const errno = this.#aio.aio_error(this.#address);
    if (errno === EINPROGRESS) return null;
    this.#bytes = undefined;
    const written = Number(this.#aio.aio_return(this.#address));
    if (errno !== 0) throw new NativeError("write", errno);
    return written;
  }
}
