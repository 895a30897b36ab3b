/** Length of a window, ms: the least time between the two stored readings. */
const WINDOW_MS = 10_000;

/** How fast some counts grow, over the last ten to twenty seconds (or since the start), without a timer. */
export class Recent<Name extends string> {
  readonly #read: () => Readonly<Record<Name, number>>;
  readonly #now: () => number;
  #older: { ms: number; counts: Readonly<Record<Name, number>> };
  #newer: { ms: number; counts: Readonly<Record<Name, number>> };

  /**
   * @param read returns the current counts
   * @param now a monotonic clock, ms
   */
  constructor(read: () => Readonly<Record<Name, number>>, now: () => number = () => performance.now()) {
    this.#read = read;
    this.#now = now;
    this.#newer = { ms: now(), counts: { ...read() } };
    this.#older = this.#newer;
  }

  /**
   * Ends the window if its time has passed. The caller calls this after other regular work, so that no timer is needed.
   * @returns whether a window has ended
   */
  tick(): boolean {
    const ms = this.#now();
    if (ms - this.#newer.ms < WINDOW_MS) return false;
    this.#older = this.#newer;
    this.#newer = { ms, counts: { ...this.#read() } };
    return true;
  }

  /** Growth per second; null in the first 100 ms. */
  perSecond(name: Name): number | null {
    const elapsedMs = this.#now() - this.#older.ms;
    // A rate over less time means nothing.
    if (elapsedMs < 100) return null;
    return (1000 * (this.#read()[name] - this.#older.counts[name])) / elapsedMs;
  }
}
