/**
 * Time in the kernel half, from samples of it: what an event cost while it was measured, times the events there were.
 * Pure: what is measured, and when, is up to the caller.
 */
export class KernelPrice {
  #nsPerEvent: number | null = null;
  /** Time up to `#events`, at the prices that held then, ns. */
  #ns = 0;
  #events: number;

  /** @param events events that the kernel side has seen so far */
  constructor(events: number) {
    this.#events = events;
  }

  /** What an event costs in the kernel half, ns; null before it was measured. */
  get nsPerEvent(): number | null {
    return this.#nsPerEvent;
  }

  /** Time in the kernel half up to that count, ns; null before it was measured. */
  ns(events: number): number | null {
    return this.#nsPerEvent === null ? null : this.#ns + this.#nsPerEvent * (events - this.#events);
  }

  /** Takes a measurement: time for a number of events. Events before the first one are taken to have cost the same. */
  measured(eventsNow: number, measuredEvents: number, measuredNs: number): void {
    if (measuredEvents <= 0) return;
    const nsPerEvent = measuredNs / measuredEvents;
    this.#ns += (this.#nsPerEvent ?? nsPerEvent) * (eventsNow - this.#events);
    this.#events = eventsNow;
    this.#nsPerEvent = nsPerEvent;
  }
}
