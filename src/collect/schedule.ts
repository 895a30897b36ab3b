import { EventLoopSleep } from "../sys/event-loop.ts";

/** What is called when it is time; all of it on this thread. */
export interface ScheduleHooks {
  /** The rings are to be emptied, before a sweep over all processes where that falls on the same time. */
  flush(withSweep: boolean): void;
  /** A sweep that falls together with no flush. */
  sweep(): void;
  /** How long nobody else needs this thread, ms: so long it may sleep without going round the event loop. */
  freeMs?(): number;
}

/** After so long the event loop has its turn in any case. */
const MAX_REST_MS = 8000;

/**
 * From deadline to deadline; those that were missed are not made up for. Nor does the next one follow a late look at
 * once: over so short a time a tick of processor time is many times 100 %.
 */
export function nextDueMs(dueMs: number, everyMs: number, nowMs: number): number {
  const nextMs = dueMs + everyMs;
  return nextMs - nowMs >= everyMs / 2 ? nextMs : nowMs + everyMs;
}

/**
 * When the rings are emptied and when all processes are swept over. Sweeps fall together with flushes where the
 * intervals allow it, and this thread sleeps beside the event loop where nobody needs that: every wake-up costs.
 */
export class Schedule implements Disposable {
  readonly #hooks: ScheduleHooks;
  #flushMs: number;
  #sampleMs: number;
  /** Undefined while nothing is scheduled. */
  #timer: Timer | undefined;
  /** When the rings are looked at next, by performance.now(). */
  #dueMs = 0;
  #sleep: EventLoopSleep | null = null;
  /** Where sweeps do not fall together with flushes they have a timer of their own. */
  #sampleTimer: Timer | undefined;
  #sweepsWithFlush = false;
  /** When the next one of these is due, by performance.now(): the flush that comes nearest to it does it. */
  #sweepDueMs = 0;

  /** @param sampleMs 0: no sweeps */
  constructor(flushMs: number, sampleMs: number, hooks: ScheduleHooks) {
    this.#flushMs = flushMs;
    this.#sampleMs = sampleMs;
    this.#hooks = hooks;
  }

  get sampleMs(): number {
    return this.#sampleMs;
  }

  get isRunning(): boolean {
    return this.#timer !== undefined;
  }

  start(): void {
    this.#sleep = this.#hooks.freeMs ? EventLoopSleep.open() : null;
    this.#dueMs = performance.now() + this.#flushMs;
    this.#arm();
    this.#align();
  }

  setFlushInterval(flushMs: number): void {
    if (flushMs === this.#flushMs) return;
    this.#flushMs = flushMs;
    if (!this.isRunning) return;
    this.#dueMs = Math.min(this.#dueMs, performance.now() + flushMs);
    this.#arm();
    this.#align();
  }

  /** @param sampleMs 0: no more sweeps */
  setSampleInterval(sampleMs: number): void {
    this.#sampleMs = sampleMs;
    if (this.isRunning) this.#align();
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#sampleTimer);
    this.#timer = undefined;
    this.#sampleTimer = undefined;
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /** Lets sweeps fall together with flushes where the intervals allow it. */
  #align(): void {
    clearInterval(this.#sampleTimer);
    this.#sampleTimer = undefined;
    this.#sweepsWithFlush = this.#sampleMs > 0 && this.#sampleMs % this.#flushMs === 0;
    this.#sweepDueMs = this.#dueMs - this.#flushMs + this.#sampleMs;
    if (this.#sampleMs === 0 || this.#sweepsWithFlush) return;
    this.#sampleTimer = setInterval(() => this.#hooks.sweep(), this.#sampleMs);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#turn(), Math.max(0, this.#dueMs - performance.now()));
  }

  /** One look at the rings, and as many more as this thread is free for: a turn of the event loop costs more. */
  #turn(): void {
    const untilMs = performance.now() + MAX_REST_MS;
    do {
      this.#flush();
      if (!this.isRunning) return;
      this.#dueMs = nextDueMs(this.#dueMs, this.#flushMs, performance.now());
    } while (this.#rest(untilMs));
    this.#arm();
  }

  #flush(): void {
    const nowMs = performance.now();
    const withSweep = this.#sweepsWithFlush && nowMs >= this.#sweepDueMs - this.#flushMs / 2;
    if (withSweep) this.#sweepDueMs = nextDueMs(this.#sweepDueMs, this.#sampleMs, nowMs);
    this.#hooks.flush(withSweep);
  }

  /** Sleeps until the next look is due; false where the event loop must have its turn before. */
  #rest(untilMs: number): boolean {
    if (!this.#sleep || this.#sampleTimer || this.#dueMs > untilMs) return false;
    const waitMs = this.#dueMs - performance.now();
    return (this.#hooks.freeMs?.() ?? 0) >= waitMs && (waitMs <= 0 || this.#sleep.for(waitMs));
  }
}
