import type { EventView } from "../process/event-view.ts";
import type { DegradedEvent, LostEvent, UnwrittenEvent } from "../wire/event.ts";
import type { RunSummary } from "../wire/summary.ts";

/** Where events go. */
export interface Sink {
  /** Takes one event; the view is void after the call. */
  write(event: EventView): void;
  /** Tells that records were lost. */
  lost(event: LostEvent): void;
  /** Tells that the collector holds back more or less. */
  degraded(event: DegradedEvent): void;
  /** The line that stands where lines are missing in the output. */
  unwritten(event: UnwrittenEvent): string;
  /** Hands on what was gathered; called when the rings are empty. */
  flush(): void;
  /** Writes the last line and hands everything on. */
  finish(summary: RunSummary): void;
}
