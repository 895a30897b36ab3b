/** Answers that are smaller lie in their sockets. */
const SMALL_BYTES = 64 * 1024;
/** Maximum number of bytes that connections have not accepted yet, without those of the current answer. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Sizes that are remembered: the limit divided by the smallest size. */
const MAX_SIZES = MAX_BYTES / SMALL_BYTES;

/**
 * An upper bound of the memory of answers that are still being sent. An answer that a client does not read stays in memory
 * until its connection ends. The runtime reports how many such answers there are, not which.
 */
export class UnderWay {
  /** Of the answers that may be among them, largest first. */
  #sizes: number[] = [];

  /**
   * Counts an answer in, unless there is too much already.
   * @param others answers besides this one that have not been sent
   * @returns false: it is not to be sent
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
