import type { EventView } from "../process/event-view.ts";
import type { LostEvent, StormEvent, TotalsEvent } from "../wire/event.ts";

/** What the collector calls while it runs. */
export interface CollectorEvents {
  /** Called when the collector starts to read the rings. */
  begins?(): void;
  /** Called with an event or sample. The view is invalid after the call. */
  event(view: EventView): void;
  /** Called when records were lost, and when a storm begins or ends. */
  notice?(notice: LostEvent | StormEvent): void;
  /** Called with the totals of an interval. */
  totals?(lines: readonly TotalsEvent[]): void;
  /**
   * Called when the collector has finished reading: the rings are empty, or contain events that the outputs cannot take
   * yet.
   */
  idle(): void;
  /**
   * Whether the outputs can take events now. If not, the events wait in the rings, and events that do not fit are
   * counted as lost.
   */
  ready?(): boolean;
  /** How long this thread may sleep without a turn of the event loop, ms, because no other work is due before that. */
  freeMs?(): number;
}
