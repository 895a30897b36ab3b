/** Events between two collections: a collection takes milliseconds, the garbage of so many some hundred KiB. */
const EVENTS = 100_000;

/**
 * Collects the runtime's garbage after so much work, and never at rest. The runtime's own timer for that is off
 * (commands/runtime.ts), and by itself it would let megabytes gather first.
 */
export class Garbage {
  #events = 0;

  /** @param events that were looked at so far */
  tick(events: number): void {
    if (events - this.#events < EVENTS) return;
    this.#events = events;
    Bun.gc(true);
  }
}
