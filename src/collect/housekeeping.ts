import type { ProcessTable } from "../process/table.ts";
import { boottimeNs } from "../sys/clock.ts";
import { collectAllGarbage, collectYoungGarbage } from "../sys/garbage.ts";
import { dropCleanFilePages, residentFileBytes } from "../sys/memory.ts";
import type { Reconciler } from "./reconciler.ts";
import type { SpareDescriptors } from "./spare-descriptors.ts";

/** Flushes after which what was needed only to start will not be needed soon. */
const SETTLED_TICKS = 3;
/** Finding memory to release takes milliseconds, so linnix does it only if there is more than this, bytes. */
const MANY_FILE_BYTES = 28 * 1024 * 1024;
/** How often linnix checks for it, and the shortest time between two releases, ns. */
const LOOK_NS = 5e9;
const DROP_NS = 60e9;

/** Regular work of a collector that no event starts: releasing memory, and removing old entries of the table. */
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
   * @param work the work so far: see `RunCounters.work`
   * @param isHeldUp the rings hold events, exits among them, that cannot be processed yet
   */
  tick(work: number, isHeldUp: boolean): void {
    const nowNs = boottimeNs();
    this.#garbage.tick(work);
    this.#table.expire(nowNs);
    if (this.#isSettled) this.#dropFilePages(nowNs);
    else if (++this.#ticks >= SETTLED_TICKS) this.#settle(nowNs, work);
    if (isHeldUp || !this.#reconciler.isDue(nowNs)) return;
    if (this.#descriptors.use(1, () => this.#reconciler.reconcile())) this.#garbage.rest(work);
  }

  #settle(nowNs: number, work: number): void {
    this.#isSettled = this.#descriptors.use(1, dropCleanFilePages);
    if (!this.#isSettled) return;
    this.#lookedNs = nowNs;
    this.#garbage.settle(work);
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

/** Events between two collections: this many make some hundred KiB of garbage. */
const EVENTS = 100_000;
/** A smaller limit, for an occasional garbage collection. A machine at rest leaves a few KiB of garbage per minute. */
const FEW_EVENTS = 5000;

/** Fewer events since the start cause nearly no compiling: a function is compiled after some hundred calls. */
const FEW_EVENTS_AT_START = 100;

/** The shortest time between two collections of everything, ns: they drop compiled code. */
const ALL_NS = 600e9;

/** The two kinds of collection. */
export interface Collections {
  young(): void;
  all(): void;
}

/**
 * Collects the runtime's garbage after a certain amount of work, and never at rest. The runtime's own timer for that is off
 * (commands/runtime.ts), and by itself it would let megabytes gather first.
 */
export class Garbage {
  readonly #collections: Collections;
  readonly #nowNs: () => number;
  #events = 0;
  #allNs = Number.NEGATIVE_INFINITY;
  /** Whether what the start left behind is still there. */
  #isStartLeft = false;

  constructor(
    collections: Collections = { young: collectYoungGarbage, all: collectAllGarbage },
    nowNs: () => number = boottimeNs,
  ) {
    this.#collections = collections;
    this.#nowNs = nowNs;
  }

  /** @param events that were looked at so far */
  tick(events: number): void {
    if (events - this.#events >= EVENTS) this.#collect(events);
  }

  /**
   * To be called once, when the start is over: it leaves code and objects behind that are not needed again. A collection
   * drops all code that was compiled before it, and a collector that has been busy since its start would compile it
   * twice in its first seconds: there it waits for the next rest.
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
