import type { WallClock } from "../json/wall-clock.ts";
import type { EventView } from "../process/event-view.ts";
import { boottimeNs, realtimeOffsetNs, roughRealtimeOffsetNs } from "../sys/clock.ts";
import type { LostEvent } from "../wire/event.ts";
import { EVENT_CLOCK, EVENT_EXIT, EVENT_PAGE_FAULT, EVENT_PROCESS, PROCESS_EVENT } from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import type { CollectorEvents } from "./collector-events.ts";
import type { Conditions } from "./conditions.ts";
import type { RunCounters } from "./counters.ts";
import type { KernelFeed } from "./kernel-feed.ts";
import { reportMissingRings } from "./missing-rings.ts";
import type { ProcessFilter } from "./process-filter.ts";

export interface RingReaderParts {
  feed: KernelFeed;
  view: EventView;
  clock: WallClock;
  counters: RunCounters;
  filter: ProcessFilter;
  events: CollectorEvents;
  conditions: Conditions;
  /** Types of the events that are passed on. */
  types: Iterable<number>;
  /** Called for each process that ended, whatever the filters and outputs take. */
  ended?: (view: EventView) => void;
  /** After a signal, the rings are not drained if none of them holds more than this, bytes. */
  signalBytes: number;
}

/** Turns the records of the rings into events, at the signal of a watermark or when it is called. */
export class RingReader {
  readonly #feed: KernelFeed;
  readonly #view: EventView;
  readonly #clock: WallClock;
  readonly #counters: RunCounters;
  readonly #filter: ProcessFilter;
  readonly #events: CollectorEvents;
  readonly #conditions: Conditions;
  readonly #wanted: ReadonlySet<number>;
  readonly #signalBytes: number;
  readonly #ended: ((view: EventView) => void) | undefined;
  #wakeups = 0;
  #closed = false;
  #isHeldUp = false;
  readonly #canTake = () => {
    this.#isHeldUp = this.#events.ready?.() === false;
    return !this.#isHeldUp;
  };
  readonly #giveLoss = (event: LostEvent) => this.#events.notice?.(event);
  readonly #onSignal = () => {
    this.#wakeups++;
    if (this.#feed.rings.holdsMoreThan(this.#signalBytes)) this.drain();
  };
  readonly #consume = (record: Record) => {
    const type = record.u8(PROCESS_EVENT.type);
    if (type === EVENT_CLOCK) {
      this.#feed.backend.clocks?.take(record);
      return;
    }
    this.#counters.count(type);
    if (type === EVENT_PAGE_FAULT) {
      this.#pageFault(record);
      return;
    }
    this.#view.accept(record);
    if (type === EVENT_EXIT || type === EVENT_PROCESS) this.#ended?.(this.#view);
    if (this.#filter.follows && !this.#filter.takes(type, this.#view)) return;
    // An exec may have been sent only because the exits need it.
    if (this.#wanted.has(type)) this.#events.event(this.#view);
  };

  constructor({ feed, view, clock, counters, filter, events, conditions, types, ended, signalBytes }: RingReaderParts) {
    this.#feed = feed;
    this.#view = view;
    this.#clock = clock;
    this.#counters = counters;
    this.#filter = filter;
    this.#events = events;
    this.#conditions = conditions;
    this.#wanted = new Set([...types, EVENT_PROCESS]);
    this.#signalBytes = signalBytes;
    this.#ended = ended;
  }

  /** Times that a ring's watermark woke this process. */
  get wakeups(): number {
    return this.#wakeups;
  }

  /** Whether events stay in the rings because the output cannot take them. */
  get isHeldUp(): boolean {
    return this.#isHeldUp;
  }

  /** From now on drains the rings at the signal of a watermark. */
  start(): void {
    process.on("SIGIO", this.#onSignal);
    this.#feed.signalOnWatermark();
  }

  /** Passes on the events in the rings as far as the outputs can take them, and ends the turn. */
  drain(): void {
    this.take();
    if (!this.#closed) this.#events.idle();
  }

  /** The same without the end of the turn: the caller calls `idle` of the events. */
  take(): void {
    this.#events.begins?.();
    if (this.#closed) return;
    // The clock is adjusted even if the outputs can take nothing, because a record gets its wall-clock time when it is
    // read.
    if (this.#clock.isOff(roughRealtimeOffsetNs())) this.#clock.adjust(realtimeOffsetNs());
    if (this.#feed.cpuRings.follow(boottimeNs())) reportMissingRings(this.#feed.cpuRings.missing, this.#conditions);
    if (!this.#canTake()) return;
    // Most looks find empty rings, and make no system call. A CPU without a ring can lose records even then.
    if (!this.#feed.rings.isEmpty()) {
      this.#feed.rings.drain(this.#consume, this.#canTake);
      this.#feed.backend.stormLimit.drained();
    }
    this.reportLosses();
  }

  /**
   * Passes on all events, even if the outputs cannot take them. Call it when no program writes to the rings any more.
   */
  takeAll(): void {
    this.#feed.rings.drainAll(this.#consume);
  }

  reportLosses(): void {
    this.#feed.losses.report(this.#clock, this.#giveLoss);
  }

  /** Takes one sample. @returns false if the output cannot take it */
  giveSample(view: EventView): boolean {
    if (this.#events.ready?.() === false) return false;
    this.#events.event(view);
    return true;
  }

  close(): void {
    this.#closed = true;
    process.off("SIGIO", this.#onSignal);
  }

  /** The kernel side does not apply the filters to page faults. */
  #pageFault(record: Record): void {
    this.#view.accept(record);
    if (this.#filter.samples.wants(this.#view)) this.#events.event(this.#view);
  }
}
