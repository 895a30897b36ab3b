import { boottimeNs, realtimeOffsetNs } from "../libbpf/clock.ts";
import { dropCleanFilePages } from "../libbpf/memory.ts";
import type { ProcessTable } from "../process/table.ts";
import type { WallClock } from "../process/wall-clock.ts";
import { Garbage } from "./garbage.ts";
import type { Reconciler } from "./reconciler.ts";

/** Flushes after which what was needed only to start will not be needed soon. */
const SETTLED_TICKS = 3;
/** To find what can be let go of takes milliseconds; what a minute has touched is little. */
const RECONCILES_PER_DROP = 10;

/** What a collector has to do now and then that no event asks for: memory, the table's old entries, the wall clock. */
export class Housekeeping {
  readonly #table: ProcessTable;
  readonly #clock: WallClock;
  readonly #reconciler: Reconciler;
  readonly #garbage = new Garbage();
  #ticks = 0;
  #reconciles = 0;

  constructor(table: ProcessTable, clock: WallClock, reconciler: Reconciler) {
    this.#table = table;
    this.#clock = clock;
    this.#reconciler = reconciler;
  }

  /**
   * To be called after each flush.
   * @param events everything that was looked at so far, samples among it
   */
  tick(events: number): void {
    if (++this.#ticks === SETTLED_TICKS) {
      dropCleanFilePages();
      Bun.gc(true);
    }
    this.#garbage.tick(events);
    const nowNs = boottimeNs();
    this.#table.expire(nowNs);
    if (!this.#reconciler.isDue(nowNs)) return;
    this.#clock.adjust(realtimeOffsetNs());
    this.#reconciler.reconcile();
    this.#garbage.rest(events);
    if (++this.#reconciles % RECONCILES_PER_DROP === 0) dropCleanFilePages();
  }
}
