import type { Backend } from "../probes/backend.ts";
import type { ImageReader } from "../process/image-reader.ts";
import { NO_IMAGE } from "../process/image-store.ts";
import type { ProcessTable } from "../process/table.ts";
import type { SampleFilter } from "../sampling/sample-filter.ts";
import { boottimeNs } from "../sys/clock.ts";

/** Parent of the kernel's threads, which execute no file. */
const KTHREADD = 2;

export interface TableRefreshParts {
  backend: Backend;
  table: ProcessTable;
  images: ImageReader;
  filter: SampleFilter;
  /** Whether only some processes and their descendants are watched. */
  follows: boolean;
  /** Compares the table with a list of live processes. */
  reconcile(): void;
}

/** Brings the table up to date from a list of live processes, because no event reports some of them. */
export class TableRefresh {
  readonly #parts: TableRefreshParts;
  #scannedNs = 0;
  /** Number of events that were suppressed before the last scan. */
  #suppressedEvents = 0;

  constructor(parts: TableRefreshParts) {
    this.#parts = parts;
  }

  /**
   * Whether processes may have started or ended since the last scan without an event, because of their level of detail
   * or in a storm.
   */
  get isNeeded(): boolean {
    const { levels } = this.#parts.backend.detail;
    return levels.size > 1 || !levels.has("events") || this.#countSuppressed() > this.#suppressedEvents;
  }

  /** Time since the last scan, ns. */
  get ageNs(): number {
    return boottimeNs() - this.#scannedNs;
  }

  scan(): void {
    this.#scannedNs = boottimeNs();
    // This is counted before the scan, because events that are suppressed during the scan may be missing in the list.
    const suppressed = this.#countSuppressed();
    this.#parts.reconcile();
    if (this.#parts.follows) this.#followListed();
    this.#suppressedEvents = suppressed;
  }

  /** Reads the programs of processes that no event reported. */
  readUnknownImages(): void {
    const { table, images } = this.#parts;
    for (const slot of table.liveSlots()) {
      const isOfKernel = table.pid(slot) === KTHREADD || table.ppid(slot) === KTHREADD;
      if (table.image(slot) === NO_IMAGE && !isOfKernel) images.beginLater(slot);
    }
    images.readSoon();
  }

  /**
   * Scans, and reads again the programs of processes that started at another level than `events`: no event reported their
   * execs, but events may report their children.
   */
  readFoldedImages(): void {
    const { table, images, backend } = this.#parts;
    this.scan();
    for (const slot of table.liveSlots()) {
      const startNs = table.startNs(slot);
      const level = startNs === 0n ? "summary" : backend.detail.levelOf(startNs);
      if (level === "events" || table.ppid(slot) === KTHREADD) continue;
      table.forgetImage(slot);
      images.beginAgain(slot);
    }
    images.readSoon();
  }

  #countSuppressed(): number {
    const { fork, exec, exit } = this.#parts.backend.counts().suppressed;
    return fork + exec + exit;
  }

  /** Repeats until no process is added: a child may be listed before its parent. */
  #followListed(): void {
    const { table, filter } = this.#parts;
    for (let before = -1; before !== filter.followed; ) {
      before = filter.followed;
      for (const slot of table.liveSlots()) filter.forked(table.pid(slot), table.ppid(slot) ?? 0);
    }
  }
}
