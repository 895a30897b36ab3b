import { sleep } from "../sleep.ts";

/** If the file has not grown for this time, the writer has written all that it had. */
const REST_NS = 100e6;

export interface FollowOptions {
  untilNs: number;
  mostMs: number;
  everyMs: number;
  signal: AbortSignal;
  /** Whether the writer has ended, after which the file does not grow. */
  hasEnded(): boolean;
}

/** Follows the growth of a file by reading its length again and again. */
export class FileGrowth {
  readonly #size: () => number;
  readonly #now: () => number;
  /** Each length that was seen, and when it was first seen. */
  readonly #sizes: number[] = [];
  readonly #timesNs: number[] = [];
  #lastLookNs = 0;

  /** @param now CLOCK_BOOTTIME, ns */
  constructor(size: () => number, now: () => number) {
    this.#size = size;
    this.#now = now;
    this.look();
  }

  /** Reads the length, and then the clock: the file had this length at the recorded time or earlier. */
  look(): void {
    const size = this.#size();
    this.#lastLookNs = this.#now();
    if (size === this.#sizes.at(-1)) return;
    this.#sizes.push(size);
    this.#timesNs.push(this.#lastLookNs);
  }

  /**
   * Reads the length until the file has grown after `untilNs` and then stopped growing, until the writer has ended, or
   * for `mostMs`.
   */
  async follow({ untilNs, mostMs, everyMs, signal, hasEnded }: FollowOptions): Promise<void> {
    const endMs = performance.now() + mostMs;
    while (!signal.aborted && !hasEnded() && performance.now() < endMs && !this.#restsSince(untilNs)) {
      await sleep(everyMs, signal);
      this.look();
    }
  }

  #restsSince(ns: number): boolean {
    const grewNs = this.#timesNs.at(-1) as number;
    return grewNs > ns && this.#lastLookNs - grewNs > REST_NS;
  }

  /** Length at the first reading. */
  get fromBytes(): number {
    return this.#sizes[0] as number;
  }

  get fromNs(): number {
    return this.#timesNs[0] as number;
  }

  get lastLookNs(): number {
    return this.#lastLookNs;
  }

  /** When the file was first seen with at least that many bytes; null if it never was. */
  reachedNs(bytes: number): number | null {
    let low = 0;
    let high = this.#sizes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sizes[middle] as number) < bytes) low = middle + 1;
      else high = middle;
    }
    return this.#timesNs[low] ?? null;
  }
}
