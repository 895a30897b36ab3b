/**
 * How far sampling is reduced. 0: as configured. 1: fewer samples, and the rings are read less often. 2: no samples. To
 * save more, linnix lowers the storm rate and the level of detail: see `StormControl` and `DetailGovernor`.
 */
export type SamplingLevel = 0 | 1 | 2;

/** The result of a window that changes something. */
export interface BudgetChange {
  /** The level from here on. */
  level: SamplingLevel;
  /**
   * `over`: the cost was too high for a while, so the level rises by one. `under`: the cost was low for a while, or the
   * limits changed, so the level falls. `exhausted`: the cost is still too high at the last level; reported once for
   * each stay at that level. `off`: the budget was removed.
   */
  kind: "over" | "under" | "exhausted" | "off";
}

/**
 * Number of successive windows above the budget after which sampling is reduced. Neither a burst nor the first request
 * of a client changes the level: on a slow machine, code that runs for the first time fills two windows.
 */
export const WINDOWS_OVER = 3;
/**
 * Number of successive windows below `BACK_AT` of the budget after which sampling increases. An increase itself costs
 * CPU time.
 */
export const WINDOWS_UNDER = 6;
export const BACK_AT = 0.7;

/** Decides the level from the cost of each window. It uses no clock. */
export class Governor {
  #budgetPct: number;
  #lastLevel: SamplingLevel;
  #level: SamplingLevel = 0;
  #over = 0;
  #under = 0;
  #isExhaustionTold = false;

  /**
   * @param budgetPct highest cost of a window, % of one core; 0: no limit
   * @param lastLevel the highest level
   */
  constructor(budgetPct: number, lastLevel: SamplingLevel) {
    this.#budgetPct = budgetPct;
    this.#lastLevel = lastLevel;
  }

  get level(): SamplingLevel {
    return this.#level;
  }

  get budgetPct(): number {
    return this.#budgetPct;
  }

  /**
   * Takes the cost of a window, % of one core. Returns the change; null if there is none.
   * @param canGiveMore whether the collector can give up something other than sampling
   */
  window(costPct: number, canGiveMore = false): BudgetChange | null {
    if (this.#budgetPct === 0) return null;
    this.#over = costPct > this.#budgetPct ? this.#over + 1 : 0;
    this.#under = costPct < BACK_AT * this.#budgetPct ? this.#under + 1 : 0;
    if (this.#over >= WINDOWS_OVER) {
      this.#over = 0;
      return this.#tooMuch(canGiveMore);
    }
    if (this.#under >= WINDOWS_UNDER && this.#level > 0)
      return this.#become((this.#level - 1) as SamplingLevel, "under");
    return null;
  }

  /** Changes the limits: see the constructor. */
  setLimits(budgetPct: number, lastLevel: SamplingLevel): BudgetChange | null {
    this.#lastLevel = lastLevel;
    if (budgetPct === this.#budgetPct) return this.#level > lastLevel ? this.#become(lastLevel, "under") : null;
    this.#budgetPct = budgetPct;
    this.#over = 0;
    this.#under = 0;
    if (budgetPct === 0 && this.#level > 0) return this.#become(0, "off");
    return this.#level > lastLevel ? this.#become(lastLevel, "under") : null;
  }

  #tooMuch(canGiveMore: boolean): BudgetChange | null {
    if (this.#level < this.#lastLevel) return this.#become((this.#level + 1) as SamplingLevel, "over");
    if (canGiveMore || this.#isExhaustionTold) return null;
    this.#isExhaustionTold = true;
    return { level: this.#level, kind: "exhausted" };
  }

  #become(level: SamplingLevel, kind: BudgetChange["kind"]): BudgetChange {
    this.#level = level;
    this.#under = 0;
    this.#isExhaustionTold = false;
    return { level, kind };
  }
}
