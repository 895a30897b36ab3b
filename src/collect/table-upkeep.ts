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
  /** Gives out what the rings hold. @returns false: no output takes it */
  drain(): boolean;
}

/** Keeps the process table true where events do not: what ran before, what is gone without an exit, and programs. */
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

  /** Compares the table with the live processes from now on. */
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

  /** Call it before the table is shown, and after the rings were drained: then its programs are up to date. */
  checkImages(): void {
    if (!this.#closed) this.#missedImages.look();
  }

  /** Brings the table up to date with what lives. @returns false: no output takes what the rings hold */
  bringUpToDate(): boolean {
    const canTake = this.#parts.drain();
    if (this.#closed || !canTake) return false;
    if (this.#parts.isFiltered || this.refresh.isNeeded) this.refresh.scan();
    return true;
  }

  /**
   * Updates the table from a list of live processes before it is shown, if no events do that.
   * @param olderThanMs the table is not updated more often
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
