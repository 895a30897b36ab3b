/** Readings that are kept: their distance is the shortest time that a rate covers. */
const WINDOW_MS = 10_000;

/** How fast some counts grow, over the last ten to twenty seconds (or since the start), without a timer. */
export class Recent<Name extends string> {
  readonly #read: () => Readonly<Record<Name, number>>;
  readonly #now: () => number;
  #older: { ms: number; counts: Readonly<Record<Name, number>> };
  #newer: { ms: number; counts: Readonly<Record<Name, number>> };

  /**
   * @param read the counts of now
   * @param now a clock that does not go back, ms
   */
  constructor(read: () => Readonly<Record<Name, number>>, now: () => number = () => performance.now()) {
    this.#read = read;
    this.#now = now;
    this.#newer = { ms: now(), counts: { ...read() } };
    this.#older = this.#newer;
  }

  /**
   * Called now and then, as often as something happens anyway.
   * @returns whether a window has ended
   */
  tick(): boolean {
    const ms = this.#now();
    if (ms - this.#newer.ms < WINDOW_MS) return false;
    this.#older = this.#newer;
    this.#newer = { ms, counts: { ...this.#read() } };
    return true;
  }

  /** Growth a second; null if no time has passed yet. */
  perSecond(name: Name): number | null {
    const elapsedMs = this.#now() - this.#older.ms;
    // Over less than that a figure has no meaning.
    if (elapsedMs < 100) return null;
    return (1000 * (this.#read()[name] - this.#older.counts[name])) / elapsedMs;
  }
}
