/**
 * How far sampling is reduced. 0: as configured. 1: fewer samples, and the rings are emptied less often. 2: no samples.
 * After that the level of detail is reduced: see DetailGovernor.
 */
export type SamplingLevel = 0 | 1 | 2;

/** What a window of measurement came to. */
export interface BudgetChange {
  /** The level from here on. */
  level: SamplingLevel;
  /**
   * `over`: too much for a while, one level up; `under`: little enough for a while, one level down; `exhausted`: still
   * too much at the last level, reported once for each stay there; `off`: the budget was removed.
   */
  kind: "over" | "under" | "exhausted" | "off";
}

/**
 * Successive windows above the budget before a step down. So neither a burst nor the code that runs for the first time
 * for a first client changes the level; on a slow machine that takes two windows.
 */
export const WINDOWS_OVER = 3;
/** Successive windows under `BACK_AT` of the budget before a step up. The step up itself costs CPU time. */
export const WINDOWS_UNDER = 6;
export const BACK_AT = 0.7;

/** Decides the level from what each window of time cost. Pure: knows no clock. */
export class Governor {
  #budgetPct: number;
  #lastLevel: SamplingLevel;
  #level: SamplingLevel = 0;
  #over = 0;
  #under = 0;
  #isExhaustionTold = false;

  /**
   * @param budgetPct what a window may cost, in the unit of the argument of `window`; 0: no limit
   * @param lastLevel the last level
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
   * The change after a window with this cost; null: none.
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

  /** Takes new limits, as for the constructor. */
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
