import { Allowance } from "../cgroup/allowance.ts";
import { MAX_MISSED, type MissedExecs } from "../probes/missed-execs.ts";
import type { ImageReader } from "../process/image-reader.ts";
import { NO_IMAGE } from "../process/image-store.ts";
import type { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";

/**
 * Maximum number of lookups a second that new names start, for all processes together. A process can rename itself very
 * often. The list of missed execs has a limit of its own, `MAX_MISSED`.
 */
const LOOKS_PER_SECOND = 50;

/**
 * Prevents the table from showing an outdated program after an exec that was lost or held back. After such an exec the
 * table still has the image of the parent or of an earlier exec. linnix drops such an image, and reads the current one
 * from /proc.
 */
export class MissedImages {
  readonly #table: ProcessTable;
  readonly #missed: Pick<MissedExecs, "list" | "has" | "forget">;
  readonly #images: Pick<ImageReader, "beginLater" | "beginAgain" | "readSoon">;
  readonly #allowance = new Allowance(LOOKS_PER_SECOND);

  constructor(
    table: ProcessTable,
    missed: Pick<MissedExecs, "list" | "has" | "forget">,
    images: Pick<ImageReader, "beginLater" | "beginAgain" | "readSoon">,
  ) {
    this.#table = table;
    this.#missed = missed;
    this.#images = images;
    table.onRenamed = (slot) => this.#renamed(slot);
  }

  /** Corrects the images. To be called after the rings were drained and before the table is shown. */
  look(): void {
    const table = this.#table;
    const found = this.#missed.list();
    const pids = found === "all" ? [...table.liveSlots()].map((slot) => table.pid(slot)) : found;
    if (pids.length === 0) return;
    let begun = 0;
    for (const pid of pids) {
      const slot = table.findLive(pid);
      if (slot === NO_SLOT) {
        // If the list is full, an ended process must not take the place of others.
        if (pids.length === MAX_MISSED) this.#missed.forget(pid);
        continue;
      }
      table.forgetImage(slot);
      if (++begun > MAX_MISSED) continue;
      // This comes before the read: if the process calls exec meanwhile, it is on the list again.
      this.#missed.forget(pid);
      this.#images.beginAgain(slot);
    }
    this.#images.readSoon();
  }

  /**
   * Called when a scan or a list shows a process with a new name, or an unknown process. The caller is still reading a
   * record, so the image is only requested here and read later.
   */
  #renamed(slot: number): void {
    const table = this.#table;
    if (table.image(slot) === NO_IMAGE) {
      if (this.#allowance.take()) this.#images.beginLater(slot);
      return;
    }
    // A process that has only renamed itself keeps the arguments that it was executed with.
    const pid = table.pid(slot);
    if (!this.#missed.has(pid)) return;
    table.forgetImage(slot);
    if (!this.#allowance.take()) return;
    this.#missed.forget(pid);
    this.#images.beginAgain(slot);
  }
}
