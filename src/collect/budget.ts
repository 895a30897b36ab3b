import { type BudgetChange, Governor, type SamplingLevel } from "./governor.ts";

/** The measurements that a budget needs. `nowNs`, `cpuNs` and `kernelNs` never decrease. */
export interface BudgetClocks {
  /** A clock that does not jump, and does not run while the machine is suspended, ns. */
  nowNs(): number;
  /** CPU time that this process spent on collecting, ns. */
  cpuNs(): number;
  /** CPU time of the kernel side so far, ns; null if unknown. */
  kernelNs(): number | null;
  /**
   * Share of the events since the last call that were sent to user space, 0 to 1. The budget includes only this share
   * of the kernel side's CPU time.
   */
  sentShare(): number;
}

export interface BudgetOptions {
  /** % of one core; 0: no budget, but linnix still measures the cost. */
  budgetPct: number;
  /** The highest sampling level: beyond it there is no sampling to give up. */
  lastLevel: SamplingLevel;
  /** Whether the collector can give up something other than sampling. */
  canGiveMore(): boolean;
  clocks: BudgetClocks;
  onChange(change: BudgetChange): void;
}

/** The shortest time over which a cost is averaged, ns. */
export const WINDOW_NS = 10e9;

/**
 * Compares the cost of collecting with a budget, window by window. The first window begins `WINDOW_NS` after the start,
 * because the cost of loading and compiling arises only once. A window ends at the first tick after `WINDOW_NS`. Its
 * cost is the average over the time that really passed.
 */
export class Budget {
  readonly #clocks: BudgetClocks;
  readonly #onChange: (change: BudgetChange) => void;
  readonly #canGiveMore: () => boolean;
  readonly #governor: Governor;
  #isWarm = false;
  #startNs: number;
  #startCpuNs = 0;
  #startKernelNs: number | null = null;
  #cpuPct: number | null = null;
  #inKernelPct: number | null = null;
  #sentShare = 1;

  constructor({ budgetPct, lastLevel, canGiveMore, clocks, onChange }: BudgetOptions) {
    this.#clocks = clocks;
    this.#onChange = onChange;
    this.#canGiveMore = canGiveMore;
    this.#governor = new Governor(budgetPct, lastLevel);
    this.#startNs = clocks.nowNs();
  }

  get level(): SamplingLevel {
    return this.#governor.level;
  }

  /** % of one core; 0: no budget. */
  get budgetPct(): number {
    return this.#governor.budgetPct;
  }

  /**
   * CPU time that this process spent on collecting in the last window, % of one core; null before the first window
   * ended.
   */
  get cpuPct(): number | null {
    return this.#cpuPct;
  }

  /** CPU time of the kernel side in the last window, % of one core; null if unknown. */
  get inKernelPct(): number | null {
    return this.#inKernelPct;
  }

  /**
   * The cost that the budget limits: user space, and the kernel side's cost of sent events if it is known. In % of one
   * core; null before the first window ended.
   */
  get costPct(): number | null {
    return this.#cpuPct === null ? null : this.#cpuPct + this.#sentShare * (this.#inKernelPct ?? 0);
  }

  /** Ends the window if it is over. This is cheap: call it after each flush. */
  tick(): void {
    const nowNs = this.#clocks.nowNs();
    const elapsedNs = nowNs - this.#startNs;
    if (elapsedNs < WINDOW_NS) return;
    const cpuNs = this.#clocks.cpuNs();
    const kernelNs = this.#clocks.kernelNs();
    this.#sentShare = this.#clocks.sentShare();
    const pct = (ns: number) => (100 * ns) / elapsedNs;
    const wasWarm = this.#isWarm;
    if (wasWarm) {
      this.#cpuPct = pct(cpuNs - this.#startCpuNs);
      const isKnown = kernelNs !== null && this.#startKernelNs !== null;
      this.#inKernelPct = isKnown ? pct(kernelNs - (this.#startKernelNs ?? 0)) : null;
    }
    this.#isWarm = true;
    this.#startNs = nowNs;
    this.#startCpuNs = cpuNs;
    this.#startKernelNs = kernelNs;
    if (!wasWarm) return;
    this.#report(this.#governor.window(this.costPct ?? 0, this.#canGiveMore()));
  }

  /** Changes the limits while the budget is in use. */
  setLimits(budgetPct: number, lastLevel: SamplingLevel): void {
    this.#report(this.#governor.setLimits(budgetPct, lastLevel));
  }

  #report(change: BudgetChange | null): void {
    if (change) this.#onChange(change);
  }
}
