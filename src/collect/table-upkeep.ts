import type { Backend } from "../probes/backend.ts";
import { ImageReader } from "../process/image-reader.ts";
import type { ProcessTable } from "../process/table.ts";
import { Housekeeping } from "./housekeeping.ts";
import { MissedImages } from "./missed-images.ts";
import type { ProcessFilter } from "./process-filter.ts";
import { Reconciler, type ReconcilerOptions } from "./reconciler.ts";
import type { SpareDescriptors } from "./spare-descriptors.ts";
import { TableRefresh } from "./table-refresh.ts";

export interface TableUpkeepParts {
  backend: Backend;
  table: ProcessTable;
  filter: Pick<ProcessFilter, "samples" | "follows">;
  descriptors: SpareDescriptors;
  /** Maximum length of the arguments that are read from /proc, bytes. */
  maxArgsBytes: number;
  /** Whether filters keep exits from being reported. */
  isFiltered: boolean;
  /** Options of the comparison of the table with live processes. */
  reconcile: Pick<ReconcilerOptions, "everyNs" | "lister"> | undefined;
  /** Passes on the events in the rings. @returns false if the output cannot take them */
  drain(): boolean;
}

/**
 * Corrects the process table where events are not enough: processes that ran before the start, processes that are gone
 * without an exit event, and programs of processes whose execs were missed.
 */
export class TableUpkeep implements Disposable {
  /** Reads the programs of running processes. */
  readonly images: ImageReader;
  readonly refresh: TableRefresh;
  readonly #parts: TableUpkeepParts;
  readonly #missedImages: MissedImages;
  #reconciler: Reconciler | undefined;
  #housekeeping: Housekeeping | undefined;
  #closed = false;

  constructor(parts: TableUpkeepParts) {
    const { backend, table, filter, descriptors, maxArgsBytes, drain } = parts;
    this.#parts = parts;
    const missed = backend.missedExecs();
    this.images = new ImageReader({ table, maxBytes: maxArgsBytes, drain, missed });
    this.#missedImages = new MissedImages(table, missed, this.images);
    this.refresh = new TableRefresh({
      backend,
      table,
      images: this.images,
      filter: filter.samples,
      follows: filter.follows,
      reconcile: () => descriptors.use(1, () => this.#reconciler?.reconcile()),
    });
  }

  /** From now on compares the table with the live processes. */
  begin(): Reconciler {
    const { table, descriptors, isFiltered, reconcile, drain } = this.#parts;
    this.#reconciler = new Reconciler({ table, drain, exitsHeldBack: isFiltered, images: this.images, ...reconcile });
    this.#housekeeping = new Housekeeping(table, this.#reconciler, descriptors);
    return this.#reconciler;
  }

  /** Undefined before `begin`. */
  get reconciler(): Reconciler | undefined {
    return this.#reconciler;
  }

  /**
   * Reads the programs of processes whose execs were missed. Call it after the rings were drained and before the table
   * is shown.
   */
  checkImages(): void {
    if (!this.#closed) this.#missedImages.look();
  }

  /**
   * Updates the table with the live processes.
   * @returns false if it could not, because the output cannot take the events in the rings
   */
  bringUpToDate(): boolean {
    const canTake = this.#parts.drain();
    if (this.#closed || !canTake) return false;
    if (this.#parts.isFiltered || this.refresh.isNeeded) this.refresh.scan();
    return true;
  }

  /**
   * Updates the table from a list of live processes, if events do not report every process. Call it before the table is
   * shown.
   * @param olderThanMs does nothing if the last list is not older than this
   */
  scanAgain(olderThanMs: number): void {
    const { refresh } = this;
    if (this.#closed || refresh.ageNs < olderThanMs * 1e6 || !refresh.isNeeded) return;
    refresh.scan();
    refresh.readUnknownImages();
  }

  /** See `Housekeeping.tick`. */
  tick(work: number, isHeldUp: boolean): void {
    this.#housekeeping?.tick(work, isHeldUp);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#reconciler?.[Symbol.dispose]();
  }
}
