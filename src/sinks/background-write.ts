import { write } from "node:fs";

/**
 * One write at a time on another thread, because the target may not answer for hours. `AioWrite` implements it for
 * files that are appended to, {@link PoolWrite} for all other targets.
 */
export interface BackgroundWrite {
  readonly isUnderWay: boolean;
  /** Starts to write all of `bytes`. The caller must not change them until the write is done. */
  start(fd: number, bytes: Uint8Array): void;
  /**
   * How many bytes were written; null while the write is under way.
   * @throws an error whose `code` is the errno's name if the write failed
   */
  result(): number | null;
}

/**
 * Writes by a thread of the runtime, at the position of the descriptor. Other descriptors may share that position, as
 * after `> file 2>&1`. aio(7) cannot do that, because it writes at an offset of its own.
 */
export class PoolWrite implements BackgroundWrite {
  #isUnderWay = false;
  #error: Error | undefined;
  #written: number | null = null;

  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  start(fd: number, bytes: Uint8Array): void {
    this.#isUnderWay = true;
    this.#error = undefined;
    this.#written = null;
    write(fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error) this.#error = error;
      else this.#written = written;
    });
  }

  result(): number | null {
    if (!this.#error && this.#written === null) return null;
    this.#isUnderWay = false;
    if (this.#error) throw this.#error;
    return this.#written;
  }
}
