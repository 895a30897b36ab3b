/** What a window of time came to. */
export interface StormWindow {
  /** How long it was, s. */
  seconds: number;
  /** What this process and the sending of records cost in it, % of one core. */
  costPct: number;
  /** % of one core; 0: no budget. */
  budgetPct: number;
  /** The highest share of a ring that was full when it was emptied. */
  ringFill: number;
  /** Events that were sent, a second. */
  sentPerSecond: number;
  /** Events per second that linnix would send without a limit: sent events and counted events. */
  offeredPerSecond: number;
}

/** No source is limited to less. */
export const LOWEST_RATE = 1000;
/** Overspending, in seconds of the budget, that sets no limit yet. So a single burst changes nothing. */
const DEBT_S = 2;
/** Rings are emptied when they are half full: with more than this the reader does not keep up. */
export const FULL = 0.75;
/** Events whose price is worth knowing, a second. */
const PRICED_EVENTS = 200;
/** linnix raises the limit again if the events would have cost less than this share of the budget for this time, s. */
const BACK_AT = 0.7;
const BACK_AFTER_S = 30;
/** A record with a short command line takes about so much of a ring. */
const RECORD_BYTES = 200;
/** What the bucket of a source holds, s: STORM_WINDOW_NS. */
const BUCKET_S = 0.05;

/**
 * The rate above which a source fills half of a ring within its bucket: the limit of `auto` while nothing costs too much.
 * The reader would not keep up with it, and no decision of user space comes in time.
 */
export function ringRate(ringBytes: number): number {
  return Math.max(LOWEST_RATE, Math.round(ringBytes / 2 / RECORD_BYTES / BUCKET_S));
}

/** Decides with `--storm-rate auto` above which rate a source is counted. Pure: knows no clock. */
export class StormGovernor {
  readonly #highest: number;
  #rate: number;
  /** What was spent beyond the budget and not saved since, % of one core times seconds. */
  #debt = 0;
  #calmS = 0;
  #sentPerSecond = 0;
  /** Of a sent event, % of one core a second; null: not known. */
  #price: number | null = null;

  /** @param highest the rate while nothing costs too much, see `ringRate` */
  constructor(highest: number) {
    this.#highest = highest;
    this.#rate = highest;
  }

  /** Whether a source may send less than at the start. */
  get isLimited(): boolean {
    return this.#rate < this.#highest;
  }

  /** Whether a lower rate would save anything: not if all sources together send at most LOWEST_RATE events a second. */
  get canLower(): boolean {
    return this.#rate > LOWEST_RATE && this.#sentPerSecond > LOWEST_RATE;
  }

  /** Events a second of a source. */
  get rate(): number {
    return this.#rate;
  }

  /** @returns the rate from here on */
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

  /** To what the budget leaves: if no source sends more than all may send together, the sum may still be too much. */
  #lower({ costPct, budgetPct, sentPerSecond }: StormWindow): void {
    const affordable = costPct > budgetPct && budgetPct > 0 ? (sentPerSecond * budgetPct) / costPct : sentPerSecond;
    this.#rate = Math.max(LOWEST_RATE, Math.floor(Math.min(this.#rate / 2, affordable)));
  }

  #raise(): void {
    this.#rate = this.#highest;
    this.#calmS = 0;
  }

  /** Whether all that happens could be sent again. */
  #isCalm({ budgetPct, offeredPerSecond, costPct }: StormWindow): boolean {
    if (budgetPct === 0) return offeredPerSecond < LOWEST_RATE;
    const wouldCost = this.#price === null ? costPct : Math.max(costPct, this.#price * offeredPerSecond);
    return wouldCost < BACK_AT * budgetPct;
  }
}
