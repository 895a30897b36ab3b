/**
 * Estimates the CPU time of the kernel side as the measured time per event, times the number of events. The caller
 * decides what to measure and when.
 */
export class KernelPrice {
  #nsPerEvent: number | null = null;
  /** Estimated time until the count reached `#events`, by the prices of that time, ns. */
  #ns = 0;
  #events: number;

  /** @param events events that the kernel side has seen so far */
  constructor(events: number) {
    this.#events = events;
  }

  /** CPU time of the kernel side for one event, ns; null before the first measurement. */
  get nsPerEvent(): number | null {
    return this.#nsPerEvent;
  }

  /**
   * CPU time of the kernel side from the creation of this object until the count reached `events`, ns; null before the
   * first measurement.
   */
  ns(events: number): number | null {
    return this.#nsPerEvent === null ? null : this.#ns + this.#nsPerEvent * (events - this.#events);
  }

  /**
   * Takes a measurement: the time that some events took. Events before the first measurement are assumed to cost the
   * same.
   */
  measured(eventsNow: number, measuredEvents: number, measuredNs: number): void {
    if (measuredEvents <= 0) return;
    const nsPerEvent = measuredNs / measuredEvents;
    this.#ns += (this.#nsPerEvent ?? nsPerEvent) * (eventsNow - this.#events);
    this.#events = eventsNow;
    this.#nsPerEvent = nsPerEvent;
  }
}
