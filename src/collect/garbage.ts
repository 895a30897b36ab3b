/** Events between two collections: a collection takes milliseconds, the garbage of so many some hundred KiB. */
const EVENTS = 100_000;
/** Fewer that are worth one now and then: what a machine at rest leaves behind is a few KiB in a minute. */
const FEW_EVENTS = 5000;

/** Fewer since the start compile next to nothing: some hundred calls of a function do. */
const FEW_EVENTS_AT_START = 100;

/**
 * Collects the runtime's garbage after so much work, and never at rest. The runtime's own timer for that is off
 * (commands/runtime.ts), and by itself it would let megabytes gather first.
 */
export class Garbage {
  #events = 0;
  /** Whether what the start left behind is still there. */
  #isStartLeft = false;

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
    this.#isStartLeft = false;
    Bun.gc(true);
  }
}
