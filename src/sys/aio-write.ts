/** Writing by a thread of glibc's. */
import { constants } from "node:os";
import { AIOCB, aio, SIGEV_NONE } from "./aio.ts";
import { checkLibc, NativeError } from "./errno.ts";
import { addressOf, type Pointer } from "./native.ts";

const { EINPROGRESS } = constants.errno;

/**
 * One write at a time to the end of a file, on another thread: a filesystem that does not answer stops only that thread.
 * The end of a write wakes nothing here, so it costs no turn of the event loop; ask for it by {@link result}.
 */
export class AioWrite {
  readonly #aio = aio();
  readonly #block = new DataView(new ArrayBuffer(AIOCB.size));
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
    block.setInt32(AIOCB.fd, fd, true);
    block.setBigUint64(AIOCB.buffer, BigInt(addressOf(bytes)), true);
    block.setBigUint64(AIOCB.length, BigInt(bytes.length), true);
    block.setInt32(AIOCB.notify, SIGEV_NONE, true);
    checkLibc("aio_write", this.#aio.aio_write(this.#address));
    this.#bytes = bytes;
  }

  /**
   * How many bytes were written; null while the write is under way.
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
