import { type Unwritten, UnwrittenCount } from "../wire/unwritten.ts";

/**
 * Maximum number of bytes that wait to be written. Further lines are held back or dropped. A run at rest needs none of this memory.
 */
export const MAX_WAITING_BYTES = 1024 * 1024;
/** How long the rings hold events back for a full output. After that lines are dropped, if the output may drop. */
const HOLD_MS = 1000;

/** Decides when lines are dropped because too many wait, and counts the lines that are not written. */
export class Overflow {
  readonly #unwritten = new UnwrittenCount();
  /** Lines that were dropped since the last one that was kept. */
  #gap = new UnwrittenCount();
  readonly #mostBytes: number;
  #fullSinceMs: number | undefined;
  #isDropping = false;

  /** @param batchBytes as much may wait in addition while events are held back */
  constructor(batchBytes: number) {
    this.#mostBytes = MAX_WAITING_BYTES + batchBytes;
  }

  /** What was dropped so far. */
  get counts(): Unwritten {
    return this.#unwritten.counts;
  }

  get lines(): number {
    return this.#unwritten.lines;
  }

  /** Whether lines were dropped since the last one that was kept. */
  get hasGap(): boolean {
    return this.#gap.lines > 0;
  }

  /** What is missing before the next line that is kept; the next gap begins. */
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

  /** Counts lines that are given up at the end of the run: no line marks the gap. */
  giveUp(lines: Uint8Array): void {
    this.#unwritten.add(lines);
  }

  /**
   * Whether an output that may drop lines drops what comes next.
   * @param waitingBytes how much waits to be written
   * @param hasTrouble whether the last write failed
   */
  dropsNow(waitingBytes: number, hasTrouble: boolean): boolean {
    if (waitingBytes < MAX_WAITING_BYTES) {
      // Waits until there is room for many lines, so that the output has few gaps.
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
