/** How far the wall clock may drift before the start is computed again, ms. */
const STEP_MS = 1000;

/** The clocks that {@link UpTime} reads, ms. */
export interface UpTimeClocks {
  wallMs(): number;
  /** Continues while the machine is suspended, and is never set. */
  bootMs(): number;
}

/**
 * When this process started, and how long ago. On many machines the collector starts before the wall clock is right.
 * When the clock is set, the reported start moves with it. Otherwise the start never changes, because Prometheus takes
 * a change for a restart.
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

  /** Start of this process by the current wall clock, ms. */
  get startedMs(): number {
    const startedMs = this.#clocks.wallMs() - this.ms;
    if (Math.abs(startedMs - this.#startedMs) > STEP_MS) this.#startedMs = startedMs;
    return this.#startedMs;
  }
}
