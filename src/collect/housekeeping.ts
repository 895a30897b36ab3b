import type { ProcessTable } from "../process/table.ts";
import { boottimeNs } from "../sys/clock.ts";
import { collectAllGarbage, collectYoungGarbage } from "../sys/garbage.ts";
import { dropCleanFilePages, residentFileBytes } from "../sys/memory.ts";
import type { Reconciler } from "./reconciler.ts";
import type { SpareDescriptors } from "./spare-descriptors.ts";

/** Time from the start until linnix releases memory that only the start needed, ns. */
const SETTLED_NS = 2.5e9;
/** Releasing file pages takes milliseconds, so linnix does it only if more than this is resident, bytes. */
const MANY_FILE_BYTES = 28 * 1024 * 1024;
/** Time between two checks of the resident file pages, and the shortest time between two releases, ns. */
const LOOK_NS = 5e9;
const DROP_NS = 60e9;

/**
 * Regular work of a collector that no event starts: releasing memory, removing old entries of the table, and comparing
 * the table with the live processes.
 */
export class Housekeeping {
  readonly #table: ProcessTable;
  readonly #reconciler: Reconciler;
  readonly #descriptors: SpareDescriptors;
  readonly #garbage = new Garbage();
  readonly #startNs = boottimeNs();
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
   * @param work the work so far: see `RunCounters.work`
   * @param isHeldUp whether the rings contain events that cannot be processed yet. Some may be exits
   */
  tick(work: number, isHeldUp: boolean): void {
    const nowNs = boottimeNs();
    this.#garbage.tick(work);
    this.#table.expire(nowNs);
    if (this.#isSettled) this.#dropFilePages(nowNs);
    else if (nowNs - this.#startNs >= SETTLED_NS) this.#settle(nowNs, work);
    if (isHeldUp || !this.#reconciler.isDue(nowNs)) return;
    if (this.#descriptors.use(1, () => this.#reconciler.reconcile())) this.#garbage.rest(work);
  }

  #settle(nowNs: number, work: number): void {
    this.#isSettled = this.#descriptors.use(1, dropCleanFilePages);
    if (!this.#isSettled) return;
    this.#lookedNs = nowNs;
    this.#garbage.settle(work);
  }

  /** Releases file pages of code that ran only once, such as the code that answers requests. */
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

/** Number of events between two garbage collections. They make some hundred KiB of garbage. */
const EVENTS = 100_000;
/** The limit for a collection by `Garbage.rest`. A machine at rest leaves a few KiB of garbage per minute. */
const FEW_EVENTS = 5000;

/**
 * With fewer events since the start, `Garbage.settle` collects at once. The runtime compiles a function after some
 * hundred calls, so a full collection then drops nearly no compiled code.
 */
const FEW_EVENTS_AT_START = 100;

/** The shortest time between two full collections, ns. A full collection drops compiled code. */
const ALL_NS = 600e9;

/** The two kinds of garbage collection. */
export interface Collections {
  young(): void;
  all(): void;
}

/**
 * Collects the runtime's garbage after a certain amount of work, and never while nothing happens. The runtime's own
 * timer for garbage collection is off (commands/runtime.ts). Without this class the runtime would let megabytes of
 * garbage gather.
 */
export class Garbage {
  readonly #collections: Collections;
  readonly #nowNs: () => number;
  #events = 0;
  #allNs = Number.NEGATIVE_INFINITY;
  /** Whether the garbage of the start has not been collected yet. */
  #isStartLeft = false;

  constructor(
    collections: Collections = { young: collectYoungGarbage, all: collectAllGarbage },
    nowNs: () => number = boottimeNs,
  ) {
    this.#collections = collections;
    this.#nowNs = nowNs;
  }

  /** @param events number of events and samples so far: see `RunCounters.work` */
  tick(events: number): void {
    if (events - this.#events >= EVENTS) this.#collect(events);
  }

  /**
   * To be called once, when the start is over. The start leaves code and objects behind that are not needed again. A
   * full collection drops all compiled code. A collector that has been busy since its start would have to compile it a
   * second time in its first seconds. Such a collector collects at the next `rest`.
   */
  settle(events: number): void {
    if (events < FEW_EVENTS_AT_START) this.#collect(events);
    else this.#isStartLeft = true;
  }

  /** To be called where a few milliseconds do not matter, about every minute. */
  rest(events: number): void {
    if (this.#isStartLeft || events - this.#events >= FEW_EVENTS) this.#collect(events);
  }

  #collect(events: number): void {
    this.#events = events;
    const nowNs = this.#nowNs();
    if (this.#isStartLeft || nowNs - this.#allNs >= ALL_NS) {
      this.#isStartLeft = false;
      this.#allNs = nowNs;
      this.#collections.all();
    } else {
      this.#collections.young();
    }
  }
}
