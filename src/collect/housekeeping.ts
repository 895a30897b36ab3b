import type { ProcessTable } from "../process/table.ts";
import { boottimeNs } from "../sys/clock.ts";
import { dropCleanFilePages, residentFileBytes } from "../sys/memory.ts";
import { Garbage } from "./garbage.ts";
import type { Reconciler } from "./reconciler.ts";
import type { SpareDescriptors } from "./spare-descriptors.ts";

/** Flushes after which what was needed only to start will not be needed soon. */
const SETTLED_TICKS = 3;
/** To find what can be let go of takes milliseconds: it is done where there is more than this, bytes. */
const MANY_FILE_BYTES = 28 * 1024 * 1024;
/** How often is looked whether there is, and how long at least lies between two times that it is let go of, ns. */
const LOOK_NS = 5e9;
const DROP_NS = 60e9;

/** What a collector has to do now and then that no event asks for: memory, the table's old entries. */
export class Housekeeping {
  readonly #table: ProcessTable;
  readonly #reconciler: Reconciler;
  readonly #descriptors: SpareDescriptors;
  readonly #garbage = new Garbage();
  #ticks = 0;
  #isSettled = false;
  #lookedNs = 0;
  #droppedNs = 0;

  constructor(table: ProcessTable, reconciler: Reconciler, descriptors: SpareDescriptors) {
    this.#table = table;
    this.#reconciler = reconciler;
    this.#descriptors = descriptors;
  }

  /**
   * To be called after each flush.
   * @param events everything that was looked at so far, samples among it
   * @param isHeldUp the rings hold what cannot be taken yet, exits among it
   */
  tick(events: number, isHeldUp: boolean): void {
    const nowNs = boottimeNs();
    this.#garbage.tick(events);
    this.#table.expire(nowNs);
    if (this.#isSettled) this.#dropFilePages(nowNs);
    else if (++this.#ticks >= SETTLED_TICKS) this.#settle(nowNs, events);
    if (isHeldUp || !this.#reconciler.isDue(nowNs)) return;
    if (this.#descriptors.use(1, () => this.#reconciler.reconcile())) this.#garbage.rest(events);
  }

  #settle(nowNs: number, events: number): void {
    this.#isSettled = this.#descriptors.use(1, dropCleanFilePages);
    if (!this.#isSettled) return;
    this.#lookedNs = nowNs;
    this.#garbage.settle(events);
  }

  /** What was run once, such as the parts that answer requests, need not stay. */
  #dropFilePages(nowNs: number): void {
    if (nowNs - this.#lookedNs < LOOK_NS || nowNs - this.#droppedNs < DROP_NS) return;
    this.#descriptors.use(1, () => {
      this.#lookedNs = nowNs;
      if (residentFileBytes() <= MANY_FILE_BYTES) return;
      dropCleanFilePages();
      this.#droppedNs = nowNs;
    });
  }
}
