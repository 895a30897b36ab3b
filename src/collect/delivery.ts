import { writeStderr } from "../config/log.ts";
import { WallClock } from "../json/wall-clock.ts";
import type { EventView } from "../process/event-view.ts";
import type { Output } from "../sinks/output.ts";
import { codeOf, OutputClosed, stuckOutputError, whyNotWritten, writeError } from "../sinks/output-errors.ts";
import type { LineSink, Notice, Sink } from "../sinks/sink.ts";
import { exactBoottimeNs, realtimeOffsetNs } from "../sys/clock.ts";
import type { StartEvent, TotalsEvent } from "../wire/event.ts";
import type { RunSummary } from "../wire/summary.ts";
import { type Unwritten, UnwrittenCount } from "../wire/unwritten.ts";
import type { CollectorEvents } from "./collector-events.ts";
import { Conditions } from "./conditions.ts";

/** Time until a full pipe is tried again, ms. */
const SLOW_READER_MS = 10;
/** The same after `MAX_QUICK_TRIES` tries, because each try takes CPU time, and the output may be stopped for hours. */
const RESTING_READER_MS = 100;
const MAX_QUICK_TRIES = 10;
const STUCK_OUTPUT_MS = 2000;
/** An output that accepts no lines for this time is reported, ms. */
const STALLED_MS = 3000;

/**
 * Passes the collector's events to the sinks: the sink of the output, and the API if there is one. A blocked output
 * delays the other sinks by at most a second. The first failure of an output that the run depends on ends the delivery.
 */
export class Delivery implements CollectorEvents, Disposable {
  /** Called when the collector's turn is over and it has passed on all events that it could. */
  onIdle: (() => void) | undefined;
  /** How long all work other than the output and the sinks can wait, ms: see `CollectorEvents.freeMs`. */
  othersFreeMs: () => number = () => 0;
  readonly #fail: (error: unknown) => void;
  readonly #conditions: Conditions;
  readonly #sinks: Sink[] = [];
  /** The sink that writes to the output. It is also in `#sinks`. */
  #lines: LineSink | undefined;
  #output: Output | undefined;
  #retry: () => void = () => {};
  /** A sink threw an error. No sink gets any more events. */
  #hasFailed = false;
  /** The output failed, and the run ends with it. */
  #isOver = false;
  #again: Timer | undefined;
  /** Number of successive tries at which the output took nothing. */
  #uselessTries = 0;
  #isReported = false;
  /**
   * Missing lines when `output_blocked` was last set. The message at the end of this condition counts only later ones.
   */
  #missingBefore = 0;

  /**
   * @param fail called with the error of the output
   * @param conditions where an output that accepts no lines is reported
   */
  constructor(fail: (error: unknown) => void, conditions = new Conditions()) {
    this.#fail = fail;
    this.#conditions = conditions;
  }

  /** Lines that the output did not take so far. */
  get unwritten(): Unwritten {
    return this.#output?.unwritten ?? new UnwrittenCount().counts;
  }

  /** Hands events to one more sink from now on. */
  add(sink: Sink): void {
    this.#sinks.push(sink);
  }

  remove(sink: Sink): void {
    const at = this.#sinks.indexOf(sink);
    if (at >= 0) this.#sinks.splice(at, 1);
  }

  /**
   * Adds the output, with its sink as the first of all sinks.
   * @param retry is called when an output that was slow may be ready again
   */
  open(sink: LineSink, output: Output, retry: () => void): void {
    this.#sinks.unshift(sink);
    this.#lines = sink;
    this.#output = output;
    this.#retry = retry;
    output.gapLine = (missing) => {
      const ts_ns = exactBoottimeNs();
      return sink.unwritten({
        type: "unwritten",
        time: new WallClock(realtimeOffsetNs()).textAt(ts_ns),
        ts_ns,
        ...missing,
      });
    };
  }

  /** Writes the `start` line, which contains the settings in force from here on. */
  start(event: StartEvent): void {
    if (!this.#hasFailed) this.#try(() => this.#lines?.start(event));
  }

  /** Bytes that the output has taken so far. */
  get writtenBytes(): number {
    return this.#output?.writtenBytes ?? 0;
  }

  begins(): void {
    for (const sink of this.#sinks) sink.begins?.();
  }

  event(view: EventView): void {
    if (this.#hasFailed) return;
    const sinks = this.#sinks;
    // This is the most frequent call, so it creates neither a closure nor an iterator.
    try {
      for (let i = 0; i < sinks.length; i++) sinks[i]?.write(view);
    } catch (error) {
      this.#failed(error);
    }
  }

  notice(notice: Notice): void {
    if (this.#hasFailed) return;
    this.#try(() => {
      for (const sink of this.#sinks) sink.notice(notice);
    });
  }

  totals(lines: readonly TotalsEvent[]): void {
    if (this.#hasFailed) return;
    this.#try(() => {
      for (const sink of this.#sinks) sink.totals?.(lines);
    });
  }

  ready(): boolean {
    const output = this.#output;
    if (this.#hasFailed || !output?.isBlocked) return true;
    this.#write(output);
    if (!output.isBlocked) return true;
    this.#lookSoon();
    return false;
  }

  freeMs(): number {
    if (this.#hasFailed || this.#isOver || this.#again) return 0;
    for (const sink of this.#sinks) if (sink.isBusy) return 0;
    return this.othersFreeMs();
  }

  idle(): void {
    if (this.#hasFailed) return;
    const output = this.#output;
    try {
      for (const sink of this.#sinks) {
        // While the output is blocked, flushing its sink would only lengthen the queue. All other sinks flush.
        if (sink !== this.#lines || !output?.isBlocked) sink.flush();
      }
    } catch (error) {
      this.#failed(error);
    }
    if (output && (output.isWaiting || this.#isReported)) {
      this.#write(output);
      this.#report(output);
      if (output.needsLook) this.#lookSoon();
    }
    this.onIdle?.();
  }

  /**
   * Opens the output file again by its name, because log rotation may have moved the old file. Lines up to now go to
   * the old file.
   * @returns whether the output is a file that could be opened again
   * @throws LinnixError if it cannot be opened; the old file is kept then
   */
  async reopen(): Promise<boolean> {
    if (this.#hasFailed || this.#isOver) return false;
    this.#try(() => this.#lines?.flush());
    this.#output?.retry();
    return (await this.#output?.reopen()) ?? false;
  }

  /**
   * Writes the summary as the last line, and waits up to two seconds until the output has accepted all lines. If the
   * output does not accept them, the summary goes to stderr.
   * @throws LinnixError, OutputClosed if the output fails
   */
  async finish(summary: () => RunSummary): Promise<void> {
    const output = this.#output;
    if (!output) return;
    output.takeAll();
    this.#lines?.finish(summary());
    for (let waitedMs = 0; !output.retry(); waitedMs += SLOW_READER_MS) {
      const { trouble } = output;
      if (trouble?.error instanceof OutputClosed && output.endsRun) throw trouble.error;
      if (waitedMs >= STUCK_OUTPUT_MS || (output.endsRun && output.isSettled)) {
        this.summaryToStderr(summary);
        if (trouble && !(trouble.error instanceof OutputClosed)) throw trouble.error;
        throw stuckOutputError(output.name, trouble ? whyNotWritten(trouble.code) : output.whyStuck);
      }
      await Bun.sleep(SLOW_READER_MS);
    }
    await this.#close(output);
  }

  /**
   * Writes the summary to stderr if the output does not accept it. Waiting lines count as not written, and so do lines
   * that the sink has not flushed.
   */
  summaryToStderr(summary: () => RunSummary): void {
    this.#output?.abandon();
    this.#lines?.flush();
    writeStderr(`${JSON.stringify(summary())}\n`);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#again);
    this.#again = undefined;
  }

  /**
   * Closes the output. A network filesystem may write the file only now, so this may report an error of earlier writes.
   */
  async #close(output: Output): Promise<void> {
    try {
      await Promise.race([output.close(), Bun.sleep(STUCK_OUTPUT_MS)]);
    } catch (error) {
      throw writeError(output.name, codeOf(error), error);
    }
  }

  /** Writes what can be written now. */
  #write(output: Output): void {
    const { waitingBytes } = output;
    output.retry();
    this.#uselessTries = output.waitingBytes < waitingBytes ? 0 : this.#uselessTries + 1;
    if (output.endsRun && output.isSettled) this.#endRun(output);
  }

  /** Ends the run. Events still go to the output, which counts the lines that it does not write. */
  #endRun(output: Output): void {
    if (this.#isOver) return;
    this.#isOver = true;
    output.abandon();
    this.#fail(output.trouble?.error);
  }

  /** Tries again after a while, because neither a full pipe nor a file sends a signal when it has room again. */
  #lookSoon(): void {
    const waitMs = this.#uselessTries < MAX_QUICK_TRIES ? SLOW_READER_MS : RESTING_READER_MS;
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      this.#retry();
    }, waitMs);
  }

  #report(output: Output): void {
    if (output.endsRun) return;
    const { trouble, name } = output;
    if (trouble || output.stalledMs >= STALLED_MS) {
      const why = trouble ? `: ${whyNotWritten(trouble.code)}` : "";
      if (!this.#isReported) this.#missingBefore = output.unwrittenLines;
      this.#isReported = true;
      const hint =
        "linnix keeps trying; the lines that the output does not accept meanwhile are counted in `unwritten`";
      this.#conditions.set("output_blocked", `the output ${name} accepts no lines${why}`, hint);
    } else if (this.#isReported) {
      this.#isReported = false;
      const missing = output.unwrittenLines - this.#missingBefore;
      this.#conditions.clear("output_blocked", `the output ${name} accepts lines again; ${missing} are missing in it`);
    }
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
