import type { EventView } from "../process/event-view.ts";
import type { LostEvent, TotalsEvent } from "../wire/event.ts";

/** What the collector calls while it runs. */
export interface CollectorEvents {
  /** The collector has its turn. */
  begins?(): void;
  /** One event or sample; the view is void after the call. */
  event(view: EventView): void;
  /** Records were lost. */
  notice?(notice: LostEvent): void;
  /** The totals of an interval. */
  totals?(lines: readonly TotalsEvent[]): void;
  /** The collector's turn is over: the rings are empty for now, or hold what cannot be taken yet. */
  idle(): void;
  /** Whether events can be taken now; while not, they wait in the rings, and what does not fit is counted as lost. */
  ready?(): boolean;
  /** How long nobody else needs this thread, ms: so long it may sleep without going round the event loop. */
  freeMs?(): number;
}
