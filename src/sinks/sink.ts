import type { EventView } from "../process/event-view.ts";
import type { DegradedEvent, LostEvent, StartEvent, StormEvent, TotalsEvent, UnwrittenEvent } from "../wire/event.ts";
import type { RunSummary } from "../wire/summary.ts";

/** An event that goes to every sink and is not about one process. */
export type Notice = LostEvent | DegradedEvent | StormEvent;

/** Where events go: an output in its format, or the API. */
export interface Sink {
  /** Called when the collector starts to drain the rings. */
  begins?(): void;
  /** Writes one event or sample. The view is invalid after the call. */
  write(event: EventView): void;
  notice(notice: Notice): void;
  /** Writes the totals of an interval. */
  totals?(lines: readonly TotalsEvent[]): void;
  /** Passes on what the sink has gathered. The collector calls this when the rings are empty. */
  flush(): void;
  /** Whether the sink needs the event loop now, for example to finish a write. */
  readonly isBusy?: boolean;
}

/** A sink that writes lines to an output. */
export interface LineSink extends Sink {
  /** Writes the settings that apply from here on. It is called before all other methods, and after each change. */
  start(event: StartEvent): void;
  /** The line that the output has in place of missing lines. */
  unwritten(event: UnwrittenEvent): string;
  /** Writes the summary as the last line, and flushes. */
  finish(summary: RunSummary): void;
}
