/** Length of one of the two spans that are kept: a peak is remembered for one to two of them. */
const SPAN_NS = 30e9;

/** The highest value of the last half minute to minute. It needs no timer, and every reader sees the same. */
export class RecentPeak {
  #sinceNs = Number.NEGATIVE_INFINITY;
  #current = 0;
  #former = 0;

  /** @param nowNs of a clock that is never set */
  add(value: number, nowNs: number): void {
    if (nowNs - this.#sinceNs >= SPAN_NS) this.#turn(nowNs);
    if (value > this.#current) this.#current = value;
  }

  /** 0 if there was no value. */
  at(nowNs: number): number {
    if (nowNs - this.#sinceNs >= SPAN_NS) this.#turn(nowNs);
    return Math.max(this.#current, this.#former);
  }

  #turn(nowNs: number): void {
    this.#former = nowNs - this.#sinceNs < 2 * SPAN_NS ? this.#current : 0;
    this.#current = 0;
    this.#sinceNs = nowNs;
  }
}
