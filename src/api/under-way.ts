/** A smaller answer is not counted, because the buffer of its socket has room for it. */
const SMALL_BYTES = 64 * 1024;
/** Maximum number of bytes of all answers that are still being sent. A single answer may be larger. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Sizes that are remembered: the limit divided by the smallest size. */
const MAX_SIZES = MAX_BYTES / SMALL_BYTES;

/**
 * An upper bound of the memory of answers that are still being sent. An answer that a client does not read stays in
 * memory until its connection ends. The runtime reports how many such answers there are, but not which.
 */
export class UnderWay {
  /** Sizes of the answers that may still be being sent, largest first, bytes. */
  #sizes: number[] = [];

  /**
   * Counts an answer, unless the answers that are being sent already take too much memory.
   * @param others number of other answers that are still being sent
   * @returns false if the answer must not be sent
   */
  add(bytes: number, others: number): boolean {
    if (others <= 0) this.#sizes = [];
    if (bytes < SMALL_BYTES) return true;
    const most = this.#sizes.slice(0, Math.max(0, others)).reduce((sum, size) => sum + size, 0);
    // A single answer may have any size.
    if (most > 0 && most + bytes > MAX_BYTES) return false;
    this.#sizes.push(bytes);
    this.#sizes.sort((a, b) => b - a);
    this.#sizes.length = Math.min(this.#sizes.length, MAX_SIZES);
    return true;
  }
}
