/** How far the wall clock may drift before the start is computed again, ms. */
const STEP_MS = 1000;

/** The clocks it goes by, ms. */
export interface UpTimeClocks {
  wallMs(): number;
  /** Goes on through suspends, and is never set. */
  bootMs(): number;
}

/**
 * When this process started, and how long ago. On many machines a collector starts before the wall clock is right: when
 * the clock is set, the start moves with it. Otherwise it never changes, because Prometheus takes a change for a
 * restart.
 */
export class UpTime {
  readonly #clocks: UpTimeClocks;
  readonly #startedBootMs: number;
  #startedMs: number;

  /** @param soFarMs how long the process has run already */
  constructor(soFarMs: number, clocks: UpTimeClocks) {
    this.#clocks = clocks;
    this.#startedBootMs = clocks.bootMs() - soFarMs;
    this.#startedMs = clocks.wallMs() - soFarMs;
  }

  get ms(): number {
    return this.#clocks.bootMs() - this.#startedBootMs;
  }

  /** By the wall clock of now. */
  get startedMs(): number {
    const startedMs = this.#clocks.wallMs() - this.ms;
    if (Math.abs(startedMs - this.#startedMs) > STEP_MS) this.#startedMs = startedMs;
    return this.#startedMs;
  }
}
