/** Length of a span. The current and the former span are stored, so a peak is remembered for one to two spans. */
const SPAN_NS = 30e9;

/** The highest value of the last 30 to 60 s. It needs no timer, and reading it does not reset it. */
export class RecentPeak {
  #sinceNs = Number.NEGATIVE_INFINITY;
  #current = 0;
  #former = 0;

  /** @param nowNs of a monotonic clock */
  add(value: number, nowNs: number): void {
    if (nowNs - this.#sinceNs >= SPAN_NS) this.#turn(nowNs);
    if (value > this.#current) this.#current = value;
  }

  /** The peak at `nowNs`; 0 if no value was added in this time. */
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
