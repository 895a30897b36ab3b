/** Events between two collections: a collection takes milliseconds, the garbage of so many some hundred KiB. */
const EVENTS = 100_000;
/** Fewer that are worth one now and then: what a machine at rest leaves behind is a few KiB in a minute. */
const FEW_EVENTS = 5000;

/**
 * Collects the runtime's garbage after so much work, and never at rest. The runtime's own timer for that is off
 * (commands/runtime.ts), and by itself it would let megabytes gather first.
 */
export class Garbage {
  #events = 0;

  /** @param events that were looked at so far */
  tick(events: number): void {
    if (events - this.#events >= EVENTS) this.#collect(events);
  }

  /** To be called where a few milliseconds do not matter, about every minute. */
  rest(events: number): void {
    if (events - this.#events >= FEW_EVENTS) this.#collect(events);
  }

  #collect(events: number): void {
    this.#events = events;
    Bun.gc(true);
  }
}
