import type { Backend } from "../probes/backend.ts";
import type { ProcessTable } from "../process/table.ts";
import type { DetailLevel } from "../wire/detail-level.ts";
import { OldLevels } from "./old-levels.ts";
import type { Reconciler } from "./reconciler.ts";
import type { TableRefresh } from "./table-refresh.ts";
import type { TotalsReports } from "./totals-reports.ts";

export interface LevelControlParts {
  backend: Backend;
  table: ProcessTable;
  totals: TotalsReports;
  refresh: TableRefresh;
  /** Whether filters keep exits from being reported. */
  holdsBackExits: boolean;
  /** Passes on the events in the rings. */
  take(): void;
}

/**
 * Changes the level of detail of a run. It also starts totals, and decides whether an exit without an event counts as
 * lost.
 */
export class LevelControl {
  readonly #parts: LevelControlParts;
  readonly #oldLevels = new OldLevels();

  constructor(parts: LevelControlParts) {
    this.#parts = parts;
    parts.table.exitsHeldBack = parts.holdsBackExits;
  }

  /** Whether the kernel side sends no records of single processes. */
  get isSummaryOnly(): boolean {
    const { levels } = this.#parts.backend.detail;
    return levels.size === 1 && levels.has("summary");
  }

  /** Sets the level of detail of processes that start from now on. */
  set(level: DetailLevel): void {
    const { backend, totals, refresh } = this.#parts;
    if (level === "summary" && !totals.isOn) this.startTotals();
    if (level === backend.detail.level) return;
    const folds = backend.detail.level !== "events";
    backend.detail.set(level);
    if (folds) refresh.readFoldedImages();
  }

  startTotals(): void {
    const { table, totals } = this.#parts;
    // At the level `summary` no event reports an exit, so a missing exit event is no loss.
    table.exitsHeldBack = true;
    this.askClocks();
    totals.begin();
  }

  /**
   * Reads the scheduler's clock of each CPU. While the clock of a CPU is unknown, totals lack the time that a process
   * ran there since the last tick.
   */
  askClocks(): void {
    const { backend, take } = this.#parts;
    backend.clocks?.askNow();
    take();
  }

  /** To be called at each flush: drops levels that no live process has any more. @returns whether it dropped one */
  tick(reconciler: Reconciler): boolean {
    const { backend, table, totals } = this.#parts;
    const hasDropped = this.#oldLevels.look({ backend, table, reconciler, totals });
    if (hasDropped) this.expectExits();
    return hasDropped;
  }

  /**
   * From now on a process that is gone without an exit event counts as a lost exit, unless filters or totals explain
   * it.
   */
  expectExits(): void {
    const { table, totals, holdsBackExits } = this.#parts;
    if (!totals.isOn) table.exitsHeldBack = holdsBackExits;
  }
}
