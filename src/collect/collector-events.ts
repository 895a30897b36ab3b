import type { EventView } from "../process/event-view.ts";
import type { LostEvent, StormEvent, TotalsEvent } from "../wire/event.ts";

/** What the collector calls while it runs. */
export interface CollectorEvents {
  /** The collector has its turn. */
  begins?(): void;
  /** Called with an event or sample. The view is invalid after the call. */
  event(view: EventView): void;
  /** Records were lost, or are counted instead of sent. */
  notice?(notice: LostEvent | StormEvent): void;
  /** The totals of an interval. */
  totals?(lines: readonly TotalsEvent[]): void;
  /** The collector's turn is over: the rings are empty, or hold what the outputs cannot take yet. */
  idle(): void;
  /** Whether events can be taken now; while not, they wait in the rings, and what does not fit is counted as lost. */
  ready?(): boolean;
  /** How long this thread may sleep without a turn of the event loop, ms: no other work needs it before that. */
  freeMs?(): number;
}
