/** Measurements of a window of time. */
export interface StormWindow {
  /** Length of the window, s. */
  seconds: number;
  /** Cost of this process and of sending records, % of one core. */
  costPct: number;
  /** The budget, % of one core; 0: no budget. */
  budgetPct: number;
  /** The highest fill of a ring when it was drained, 0 to 1. */
  ringFill: number;
  /** Events that were sent, per second. */
  sentPerSecond: number;
  /** Events per second that linnix would send without a limit: sent events and counted events. */
  offeredPerSecond: number;
}

/** The lowest limit of a source, events per second. */
export const LOWEST_RATE = 1000;
/** The debt, in seconds of the budget, above which the rate is lowered. A single burst stays below it. */
const DEBT_S = 2;
/**
 * The fill of a ring, 0 to 1, above which the rate is lowered. Rings are drained when they are half full, so a fuller
 * ring means that the reader does not keep up.
 */
export const FULL = 0.75;
/** The governor learns the price of an event only if at least this number of events per second is sent. */
const PRICED_EVENTS = 200;
/** linnix raises the limit again if the events would have cost less than this share of the budget for this time, s. */
const BACK_AT = 0.7;
const BACK_AFTER_S = 30;
/** Approximate size of a record with a short command line in a ring, bytes. */
const RECORD_BYTES = 200;
/** Size of the token bucket of a source, s: STORM_WINDOW_NS. */
const BUCKET_S = 0.05;

/**
 * The limit of `auto` while events do not cost too much, events per second. At this rate a source fills half of a ring
 * within the time of its bucket. Above it the reader would not keep up, and a decision of user space would come too
 * late.
 */
export function ringRate(ringBytes: number): number {
  return Math.max(LOWEST_RATE, Math.round(ringBytes / 2 / RECORD_BYTES / BUCKET_S));
}

/** Decides the storm rate with `--storm-rate auto`. It uses no clock. */
export class StormGovernor {
  readonly #highest: number;
  #rate: number;
  /** The cost above the budget that has not been saved since, % of one core times seconds. */
  #debt = 0;
  #calmS = 0;
  #sentPerSecond = 0;
  /** Price of one sent event per second, % of one core; null if unknown. */
  #price: number | null = null;

  /** @param highest the rate while nothing costs too much, see `ringRate` */
  constructor(highest: number) {
    this.#highest = highest;
    this.#rate = highest;
  }

  /** Whether the rate is lower than at the start. */
  get isLimited(): boolean {
    return this.#rate < this.#highest;
  }

  /**
   * Whether a lower rate would save anything. It does not if all sources together send at most `LOWEST_RATE` events per
   * second.
   */
  get canLower(): boolean {
    return this.#rate > LOWEST_RATE && this.#sentPerSecond > LOWEST_RATE;
  }

  /** The limit of a source, events per second. */
  get rate(): number {
    return this.#rate;
  }

  /** @returns the rate after the window */
  window(window: StormWindow): number {
    const { seconds, costPct, budgetPct, ringFill, sentPerSecond } = window;
    if (sentPerSecond >= PRICED_EVENTS) this.#price = costPct / sentPerSecond;
    this.#debt = budgetPct === 0 ? 0 : Math.max(0, this.#debt + (costPct - budgetPct) * seconds);
    this.#sentPerSecond = sentPerSecond;
    const isOver = this.#debt > DEBT_S * budgetPct && this.canLower;
    if (isOver || ringFill >= FULL) {
      this.#debt = 0;
      this.#calmS = 0;
      this.#lower(window);
    } else if (this.isLimited) {
      this.#calmS = this.#isCalm(window) ? this.#calmS + seconds : 0;
      if (this.#calmS >= BACK_AFTER_S) this.#raise();
    }
    return this.#rate;
  }

  /**
   * Lowers the rate to half, or further to the number of events that the budget allows for all sources together. Even
   * then several sources may together send too much, and the rate is lowered again.
   */
  #lower({ costPct, budgetPct, sentPerSecond }: StormWindow): void {
    const affordable = costPct > budgetPct && budgetPct > 0 ? (sentPerSecond * budgetPct) / costPct : sentPerSecond;
    this.#rate = Math.max(LOWEST_RATE, Math.floor(Math.min(this.#rate / 2, affordable)));
  }

  #raise(): void {
    this.#rate = this.#highest;
    this.#calmS = 0;
  }

  /** Whether linnix could send all events again. */
  #isCalm({ budgetPct, offeredPerSecond, costPct }: StormWindow): boolean {
    if (budgetPct === 0) return offeredPerSecond < LOWEST_RATE;
    const wouldCost = this.#price === null ? costPct : Math.max(costPct, this.#price * offeredPerSecond);
    return wouldCost < BACK_AT * budgetPct;
  }
}
