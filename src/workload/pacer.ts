/**
 * Paces by absolute deadlines: slot `i` is due at `i / rate` after the start,
 * however long the slots before it took, so that sleeping too long or spawning
 * slowly does not lower the rate. After a delay it catches up, but only so
 * far: slots that are late by more than `maxLateNs` are skipped and counted,
 * since a burst of what was missed would be another workload than the one asked for.
 */
export class Pacer {
  readonly #periodNs: number;
  readonly #maxLateNs: number;
  readonly #startNs: number;
  readonly #jitter: (() => number) | null;
  #slot = 0;
  /** How far into its period the next slot is due, 0 to 1. */
  #shift: number;
  #skipped = 0;

  /**
   * @param ratePerSecond 0: as fast as possible, every slot is due immediately
   * @param startNs when slot 0 is due, on the clock of the argument of `take`
   * @param jitter returns for each slot when in its period it is due, from 0 to less than 1; null: at its start
   */
  constructor(ratePerSecond: number, startNs: number, maxLateNs: number, jitter: (() => number) | null = null) {
    this.#periodNs = ratePerSecond === 0 ? 0 : 1e9 / ratePerSecond;
    this.#startNs = startNs;
    this.#maxLateNs = maxLateNs;
    this.#jitter = jitter;
    this.#shift = jitter?.() ?? 0;
  }

  /** Slots that were skipped because they were too late. */
  get skipped(): number {
    return this.#skipped;
  }

  /** When the next slot is due, ns; at full speed always the start. */
  get nextNs(): number {
    return this.#startNs + (this.#slot + this.#shift) * this.#periodNs;
  }

  /**
   * Takes the next slot if it is due.
   *
   * @returns when it was due, ns (at full speed `nowNs` itself), or NaN if none is due yet
   */
  take(nowNs: number): number {
    if (this.#periodNs === 0) {
      this.#slot++;
      return nowNs;
    }
    if (nowNs < this.nextNs) return Number.NaN;
    const tooLateNs = nowNs - this.nextNs - this.#maxLateNs;
    if (tooLateNs > 0) {
      const missed = Math.ceil(tooLateNs / this.#periodNs);
      this.#advance(missed);
      this.#skipped += missed;
    }
    const dueNs = this.nextNs;
    this.#advance(1);
    return dueNs;
  }

  /** Ends the account: slots that were due by then and never taken were skipped too. */
  close(nowNs: number): void {
    if (this.#periodNs === 0 || nowNs < this.nextNs) return;
    const missed = Math.floor((nowNs - this.nextNs) / this.#periodNs) + 1;
    this.#advance(missed);
    this.#skipped += missed;
  }

  #advance(slots: number): void {
    this.#slot += slots;
    this.#shift = this.#jitter?.() ?? 0;
  }
}
