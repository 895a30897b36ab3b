import { EventLoopSleep } from "../sys/event-loop.ts";

/** The functions that the schedule calls when they are due, all on this thread. */
export interface ScheduleHooks {
  /** Flush the rings. If a scan is due at the same time, the flush comes first. */
  flush(withSweep: boolean): void;
  /** Make a scan that does not happen at a flush. */
  sweep(): void;
  /** How long this thread may sleep without a turn of the event loop, ms, because no other work is due before that. */
  freeMs?(): number;
}

/** The longest sleep without a turn of the event loop, ms. */
const MAX_REST_MS = 8000;

/**
 * Returns the next deadline, and skips missed ones. It never returns a deadline right after a late step, because CPU
 * time comes in ticks: in a very short interval, one tick would be many times 100 %.
 */
export function nextDueMs(dueMs: number, everyMs: number, nowMs: number): number {
  const nextMs = dueMs + everyMs;
  return nextMs - nowMs >= everyMs / 2 ? nextMs : nowMs + everyMs;
}

/**
 * Decides when to flush the rings and when to scan all processes. A scan happens at a flush if the intervals permit it.
 * If no other work needs this thread, it sleeps outside of the event loop. Both save wake-ups.
 */
export class Schedule implements Disposable {
  readonly #hooks: ScheduleHooks;
  #flushMs: number;
  #sampleMs: number;
  /** Undefined while nothing is scheduled. */
  #timer: Timer | undefined;
  #immediate: NodeJS.Immediate | undefined;
  /** When the next flush is due, by performance.now(). */
  #dueMs = 0;
  #sleep: EventLoopSleep | null = null;
  /** A timer for scans that do not happen at flushes. */
  #sampleTimer: Timer | undefined;
  #sweepsWithFlush = false;
  /** When the next scan is due, by performance.now(). The nearest flush makes it. */
  #sweepDueMs = 0;

  /** @param sampleMs 0: no scans */
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

  /** @param sampleMs 0: no more scans */
  setSampleInterval(sampleMs: number): void {
    this.#sampleMs = sampleMs;
    if (this.isRunning) this.#align();
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    clearInterval(this.#sampleTimer);
    this.#timer = undefined;
    this.#sampleTimer = undefined;
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /** Lets scans happen at flushes if the intervals permit it. */
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
    clearImmediate(this.#immediate);
    this.#timer = setTimeout(() => this.#due(), Math.max(0, this.#dueMs - performance.now()));
  }

  #due(): void {
    // A sleep in a timer may miss a signal. A sleep in an immediate does not.
    if (this.#sleep) this.#immediate = setImmediate(() => this.#turn());
    else this.#turn();
  }

  /**
   * Flushes, and repeats that while no other work needs this thread, because a turn of the event loop costs more than a
   * sleep.
   */
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

  /** Sleeps until the next flush is due. Returns false if the event loop must have a turn before. */
  #rest(untilMs: number): boolean {
    if (!this.#sleep || this.#sampleTimer || this.#dueMs > untilMs) return false;
    const waitMs = this.#dueMs - performance.now();
    return (this.#hooks.freeMs?.() ?? 0) >= waitMs && (waitMs <= 0 || this.#sleep.for(waitMs));
  }
}
