/** Limits how often per second an optional action runs. */
export class Allowance {
  readonly #perSecond: number;
  #left: number;
  #countedMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }

  /** Uses one action of the allowance; false if none remains now. */
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
