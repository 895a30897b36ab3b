/** Limits how often a second something optional is done for events. */
export class Allowance {
  readonly #perSecond: number;
  #left: number;
  #countedMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }

  /** Whether it may be done once more now. */
  take(): boolean {
    if (this.#left <= 0) {
      const nowMs = performance.now();
      if (nowMs - this.#countedMs < 1000) return false;
      this.#countedMs = nowMs;
      this.#left = this.#perSecond;
    }
    this.#left--;
    return true;
  }
}
