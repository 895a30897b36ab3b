import { type Unwritten, UnwrittenCount } from "../wire/unwritten.ts";

/**
 * Number of waiting bytes from which on events stay in the rings, or lines are dropped. An idle run needs none of this
 * memory.
 */
export const MAX_WAITING_BYTES = 1024 * 1024;
/**
 * How long events stay in the rings because the output is full. After that, lines are dropped if the output may drop.
 */
const HOLD_MS = 1000;

/** Decides when lines are dropped because too many wait, and counts the lines that are not written. */
export class Overflow {
  readonly #unwritten = new UnwrittenCount();
  /** Lines that were dropped since the last line that was not dropped. */
  #gap = new UnwrittenCount();
  readonly #mostBytes: number;
  #fullSinceMs: number | undefined;
  #isDropping = false;

  /** @param batchBytes number of bytes that may wait in addition before lines are dropped immediately */
  constructor(batchBytes: number) {
    this.#mostBytes = MAX_WAITING_BYTES + batchBytes;
  }

  /** Counts of all lines that were not written so far. */
  get counts(): Unwritten {
    return this.#unwritten.counts;
  }

  get lines(): number {
    return this.#unwritten.lines;
  }

  /** Whether lines were dropped since the last line that was not dropped. */
  get hasGap(): boolean {
    return this.#gap.lines > 0;
  }

  /** Returns the counts of the lines that are missing before the next line, and starts a new gap. */
  takeGap(): Unwritten {
    const { counts } = this.#gap;
    this.#gap = new UnwrittenCount();
    return counts;
  }

  /** Counts lines that are missing before the next line. */
  drop(lines: Uint8Array): void {
    this.#unwritten.add(lines);
    this.#gap.add(lines);
  }

  /** Counts lines that are given up at the end of the run. No line in the output marks this gap. */
  giveUp(lines: Uint8Array): void {
    this.#unwritten.add(lines);
  }

  /**
   * Whether an output that may drop lines drops the next lines.
   * @param waitingBytes number of bytes that wait to be written
   * @param hasTrouble whether the last write failed
   */
  dropsNow(waitingBytes: number, hasTrouble: boolean): boolean {
    if (waitingBytes < MAX_WAITING_BYTES) {
      // Lines are dropped until there is room for many lines, so that the output has few gaps.
      if (waitingBytes < MAX_WAITING_BYTES / 2) this.#isDropping = false;
      if (!this.#isDropping) this.#fullSinceMs = undefined;
      return this.#isDropping;
    }
    if (this.#isDropping) return true;
    const nowMs = performance.now();
    this.#fullSinceMs ??= nowMs;
    const isLong = nowMs - this.#fullSinceMs >= HOLD_MS;
    this.#isDropping = isLong || hasTrouble || waitingBytes >= this.#mostBytes;
    return this.#isDropping;
  }
}
