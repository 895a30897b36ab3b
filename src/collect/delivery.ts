import type { ApiServer } from "../api/server.ts";
import type { EventView } from "../process/event-view.ts";
import { type Output, stuckReaderError } from "../sinks/output.ts";
import type { Sink } from "../sinks/sink.ts";
import type { DegradedEvent, LostEvent } from "../wire/event.ts";
import type { RunSummary } from "../wire/summary.ts";
import type { CollectorEvents } from "./collector-events.ts";

/** How soon a full pipe is tried again, and how long its reader has for the end of the output. */
const SLOW_READER_MS = 10;
/** The same once it has taken nothing so many times: it may be stopped for hours, and each look costs. */
const RESTING_READER_MS = 100;
const VAIN_TRIES = 10;
const STUCK_READER_MS = 2000;

/** What is told besides events. */
export type Told = LostEvent | DegradedEvent;

/**
 * Where the collector's events go: to the sink and its output, and to the API where there is one. The first failure of
 * the output ends the delivery.
 */
export class Delivery implements CollectorEvents, Disposable {
  /** Called when the collector's turn is over and everything has been handed on that could be. */
  onIdle: (() => void) | undefined;
  api: ApiServer | undefined;
  /** See `CollectorEvents`, the output and the API apart. */
  othersFreeMs: () => number = () => 0;
  readonly #fail: (error: unknown) => void;
  readonly #retry: () => void;
  #sink: Sink | undefined;
  #output: Output | undefined;
  #hasFailed = false;
  #again: Timer | undefined;
  /** How often the reader has taken nothing, one time after the other. */
  #vainTries = 0;

  /**
   * @param fail is told what the output failed with
   * @param retry is called when a reader that was slow may be ready again
   */
  constructor(fail: (error: unknown) => void, retry: () => void) {
    this.#fail = fail;
    this.#retry = retry;
  }

  /** Events before this are dropped: there are none, for nothing is attached yet. */
  open(sink: Sink, output: Output): void {
    this.#sink = sink;
    this.#output = output;
  }

  begins(): void {
    this.api?.begins();
  }

  event(view: EventView): void {
    if (this.#hasFailed) return;
    // The call that is made most often: no closure for it.
    try {
      this.#sink?.write(view);
      this.api?.event(view);
    } catch (error) {
      this.#failed(error);
    }
  }

  sample(view: EventView): void {
    this.event(view);
  }

  lost(event: LostEvent): void {
    this.#tell(event, () => this.#sink?.lost(event));
  }

  degraded(event: DegradedEvent): void {
    this.#tell(event, () => this.#sink?.degraded(event));
  }

  ready(): boolean {
    const output = this.#output;
    if (this.#hasFailed || !output?.isBlocked) return true;
    const { waitingBytes } = output;
    try {
      if (output.retry()) {
        this.#vainTries = 0;
        return true;
      }
    } catch (error) {
      this.#failed(error);
    }
    this.#vainTries = output.waitingBytes < waitingBytes ? 0 : this.#vainTries + 1;
    // The reader is slow: look again soon, for a full pipe gives no signal.
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      this.#retry();
    }, this.#waitMs());
    return false;
  }

  #waitMs(): number {
    return this.#vainTries < VAIN_TRIES ? SLOW_READER_MS : RESTING_READER_MS;
  }

  freeMs(): number {
    if (this.#hasFailed || this.#again || this.api?.isBusy) return 0;
    return this.othersFreeMs();
  }

  idle(): void {
    if (this.#hasFailed) return;
    try {
      // What waits for a slow reader would only grow; all others have their turn.
      if (!this.#output?.isBlocked) this.#sink?.flush();
      this.api?.flush();
    } catch (error) {
      this.#failed(error);
    }
    this.onIdle?.();
  }

  /**
   * Goes on in a new file of the same name where the old one was moved away; what was gathered goes to the old one.
   * @returns whether the output is a file that could be opened again
   * @throws LinnixError where it cannot be opened; the old one is kept then
   */
  reopen(): boolean {
    if (this.#hasFailed) return false;
    this.#try(() => this.#sink?.flush());
    return this.#output?.reopen() ?? false;
  }

  /**
   * Writes the last line, and waits a while for a slow reader to take the end of the output.
   * @throws LinnixError, OutputClosed where the output fails
   */
  async finish(summary: RunSummary): Promise<void> {
    this.#sink?.finish(summary);
    for (let waitedMs = 0; this.#output?.retry() === false; waitedMs += SLOW_READER_MS) {
      if (waitedMs >= STUCK_READER_MS) throw stuckReaderError();
      await Bun.sleep(SLOW_READER_MS);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#again);
    this.#again = undefined;
  }

  #tell(event: Told, write: () => void): void {
    if (this.#hasFailed) return;
    this.#try(() => {
      write();
      this.api?.notice(event);
    });
  }

  #try(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#hasFailed = true;
    this.#fail(error);
  }
}
