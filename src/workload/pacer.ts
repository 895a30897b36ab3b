/**
 * Paces by absolute deadlines: slot `i` is due at `i / rate` after the start,
 * independent of the duration of earlier slots. So long sleeps and slow spawns
 * do not lower the rate. After a delay it catches up on slots that are late by
 * at most `maxLateNs`. It skips and counts slots that are later, because a burst
 * of them is not the requested workload.
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
   * @param jitter returns at which share of its period a slot is due, from 0 to less than 1; null: always 0
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

  /** When the next slot is due, ns; at full speed always `startNs`. */
  get nextNs(): number {
    return this.#startNs + (this.#slot + this.#shift) * this.#periodNs;
  }

  /**
   * Takes the next slot if it is due.
   *
   * @returns when it was due, ns (at full speed `nowNs` itself), or NaN if it is not due yet
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

  /** Ends the pacing at `nowNs`: slots that were due and not taken count as skipped. */
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
