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
  /** Gives out what the rings hold. */
  take(): void;
}

/** Changes the level of detail of a run, and what follows from the levels: totals, and exits that no event reports. */
export class LevelControl {
  readonly #parts: LevelControlParts;
  readonly #oldLevels = new OldLevels();

  constructor(parts: LevelControlParts) {
    this.#parts = parts;
    parts.table.exitsHeldBack = parts.holdsBackExits;
  }

  /** Whether no process sends a record of itself. */
  get isSummaryOnly(): boolean {
    const { levels } = this.#parts.backend.detail;
    return levels.size === 1 && levels.has("summary");
  }

  /** What is reported of processes that start from now on. */
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
    // An exit that no event reports is not lost.
    table.exitsHeldBack = true;
    this.askClocks();
    totals.begin();
  }

  /** Totals lack what a process ran since the last tick on a CPU whose clock is not known. */
  askClocks(): void {
    const { backend, take } = this.#parts;
    backend.clocks?.askNow();
    take();
  }

  /** To be called at each flush: drops levels that no live process has any more. */
  tick(reconciler: Reconciler): void {
    const { backend, table, totals } = this.#parts;
    if (this.#oldLevels.look({ backend, table, reconciler, totals })) this.expectExits();
  }

  /** From now on a process that is gone without an exit counts as lost, unless the filters or a level explain it. */
  expectExits(): void {
    const { table, totals, holdsBackExits } = this.#parts;
    if (!totals.isOn) table.exitsHeldBack = holdsBackExits;
  }
}
