import type { Backend } from "../probes/backend.ts";
import type { KernelCounts } from "../probes/counters.ts";
import type { PlaceOfEvent } from "../process/event-view.ts";
import type { ProcessTable } from "../process/table.ts";
import { boottimeNs } from "../sys/clock.ts";
import { dropCleanFilePages, trimHeap } from "../sys/memory.ts";
import { unknownOffset } from "../sys/time-namespace.ts";
import type { DetailLevel } from "../wire/detail-level.ts";
import type { CountByType } from "../wire/event.ts";
import type { CollectorEvents } from "./collector-events.ts";
import type { CollectorOptions } from "./collector-options.ts";
import { CollectorParts } from "./collector-parts.ts";
import { Conditions } from "./conditions.ts";
import type { CollectorCounters } from "./counters.ts";
import type { GroupReports } from "./group-reports.ts";
import type { CpuLoss } from "./losses.ts";
import { reportPidNamespace } from "./pid-namespace-condition.ts";
import type { SamplingSource } from "./sampling-switch.ts";
import { Schedule } from "./schedule.ts";
import type { StormWatch } from "./storm-watch.ts";
import { preferThisThread } from "./thread-priority.ts";

/** Flushes between two checks whether the kernel's maps have room: one process without room is no emergency. */
const ROOM_FLUSHES = 5;

/**
 * Turns the records of the kernel's rings into events in order, and updates the process table. Everything runs on this
 * thread: at the signal of a watermark, and every flush interval.
 */
export class Collector implements Disposable {
  readonly table: ProcessTable;
  /** What makes this collector see less than it promises, now. */
  readonly conditions: Conditions;
  readonly #options: CollectorOptions;
  readonly #events: CollectorEvents;
  readonly #parts: CollectorParts;
  /** What happens by unit and container; undefined: not wanted. */
  readonly groups: GroupReports | undefined;
  readonly #schedule: Schedule;
  #preference: Disposable | undefined;
  #flushes = 0;
  #closed = false;

  /**
   * Loads the kernel half; nothing is attached yet.
   * @throws LinnixError: exit code 3 when it cannot run here, 2 when a watched process does not exist
   */
  constructor(options: CollectorOptions, events: CollectorEvents, conditions = new Conditions()) {
    this.#options = options;
    this.#events = events;
    this.#parts = new CollectorParts(options, events, conditions);
    this.conditions = conditions;
    this.table = this.#parts.table;
    this.groups = this.#parts.groups;
    this.#schedule = new Schedule(this.#boundedFlush(options.flushIntervalMs), options.sampleIntervalMs, {
      flush: (withSweep) => this.#flush(withSweep),
      sweep: () => this.#look(true),
      ...(events.freeMs ? { freeMs: () => events.freeMs?.() ?? 0 } : {}),
    });
  }

  get backend(): Backend {
    return this.#parts.feed.backend;
  }

  /** Records that reached user space, by type. */
  get received(): Readonly<CountByType> {
    return this.#parts.counters.received;
  }

  /** Events delivered after a later event. */
  get outOfOrder(): number {
    return this.#parts.feed.rings.outOfOrder;
  }

  /** How full the rings were, and how long events waited in them. */
  get ringPeaks(): { peakFill: number; peakDelayS: number } {
    return this.#parts.feed.rings.peaks;
  }

  /** How full the fullest ring was since the last call. */
  takeRingFill(): number {
    return this.#parts.feed.rings.takeFill();
  }

  /** Live processes that pass the filters. */
  get running(): number {
    return this.#parts.filter.running;
  }

  /** Whether a live process passes the filters. */
  passes(slot: number): boolean {
    return this.#parts.filter.passes(slot);
  }

  /** Times that a ring's watermark woke this process. */
  get wakeups(): number {
    return this.#parts.reader.wakeups;
  }

  /** All counts so far. Some system calls. */
  counters(): CollectorCounters {
    return this.#parts.counters.read();
  }

  /** The kernel's own counts so far: no system call. */
  counts(): KernelCounts {
    return this.backend.counts();
  }

  /** Records that were lost so far, of every type and page faults as well, by the kernel's own counts. */
  get lostByCpu(): CpuLoss[] {
    return this.#parts.feed.losses.byCpu();
  }

  /** Finds the place of an event's process; undefined: events get no place. */
  set identity(identity: PlaceOfEvent | undefined) {
    this.#parts.identity = identity;
  }

  /** Where CPU time and memory come from; null if sampling is off or not available. */
  get samplingSource(): SamplingSource | null {
    return this.#parts.sampling.source;
  }

  /**
   * Attaches, enters what already runs into the table, and starts to read.
   * @param changesUser linnix gives up root after this, so only `readHeldImages` reads command lines of running
   *   processes
   */
  start(changesUser = false): void {
    const { reader, upkeep, totals, levels, filter } = this.#parts;
    if (changesUser) upkeep.images.hold();
    this.#checkClock();
    this.#preference = preferThisThread();
    reader.start();
    const reconciler = upkeep.begin();
    if (totals.isOn) levels.startTotals();
    else if (this.groups) levels.askClocks();
    this.attach();
    filter.seed(reconciler);
    totals.seeded();
    this.groups?.begin();
    // No process has pid 0, so it means every process that may be missing in the list.
    reportPidNamespace(this.conditions, !reconciler.mayHide(0, 0));
    this.#schedule.start();
    this.#switchSampling();
    trimHeap();
    // Releases what was compiled only to start: a megabyte.
    Bun.shrink();
    dropCleanFilePages();
  }

  /** The rest of `start`, after root was dropped. */
  readHeldImages(): void {
    this.#parts.upkeep.images.release();
  }

  /** Call it before the table is shown, and after `drain`: then its programs are up to date. */
  checkImages(): void {
    this.#parts.upkeep.checkImages();
  }

  /** Attaches all probes. */
  attach(): void {
    this.#parts.feed.attach();
    this.#parts.completeness.begin(boottimeNs());
  }

  /** Detaches all probes: no program starts after this; a program that runs may still end. */
  detach(): void {
    this.#parts.completeness.end();
    this.#parts.feed.detach();
  }

  /** Sets the time between two flushes of the rings, ms. */
  setFlushInterval(flushIntervalMs: number): void {
    this.#schedule.setFlushInterval(this.#boundedFlush(flushIntervalMs));
  }

  /** Storms so far, and storms now. */
  get storms(): Pick<StormWatch, "begun" | "active"> {
    return this.#parts.storms;
  }

  /**
   * Sets the storm rate: the events of a source with more events a second are counted instead of sent; 0: no limit.
   * No system call.
   * @param followsRings whether sources are limited to 1,000 while a ring fills up
   */
  setStormRate(rate: number, followsRings = false): void {
    this.#parts.storms.setRate(rate, followsRings);
  }

  /** What is reported of processes that start from now on. */
  setDetail(detail: DetailLevel): void {
    this.#parts.levels.set(detail);
  }

  /** How often the totals of the level `summary` are reported from now on. */
  setSummaryInterval(intervalMs: number): void {
    this.#parts.totals.setInterval(intervalMs);
  }

  /** If no process sends a record, the next wake-up is for a sample or for totals. */
  #boundedFlush(flushIntervalMs: number): number {
    const { sampleIntervalMs, pageFaults } = this.#options;
    const isQuiet = this.#parts.levels.isSummaryOnly && pageFaults !== true;
    const sampleMs = this.#schedule?.sampleMs ?? sampleIntervalMs;
    const dueMs = isQuiet ? Math.min(sampleMs || Number.POSITIVE_INFINITY, this.#parts.totals.intervalMs) : 0;
    return Math.min(Math.max(flushIntervalMs, dueMs), this.#options.maxFlushIntervalMs ?? flushIntervalMs);
  }

  /** Sets the time between two scans of all processes, ms; 0 stops them, and releases their resources unless `keepLoaded`. */
  setSampleInterval(sampleIntervalMs: number): void {
    if (sampleIntervalMs === this.#schedule.sampleMs) return;
    this.#schedule.setSampleInterval(sampleIntervalMs);
    if (this.#schedule.isRunning) this.#switchSampling();
  }

  /**
   * From now on sampling programs stay loaded while sampling is off. Call it when the kernel no longer lets linnix load
   * programs, for example after it dropped root.
   */
  keepLoaded(): void {
    this.#parts.sampling.keepLoaded();
  }

  /** Gives out what the rings hold, as far as the outputs can take it. */
  drain(): void {
    this.#parts.reader.drain();
  }

  #flush(withSweep: boolean): void {
    this.#look(withSweep);
    if (!this.#closed) this.#doDuties();
  }

  /** Periodic work. Each part decides by its own clock, and none has a timer of its own. */
  #doDuties(): void {
    const { reader, mapRoom, filter, upkeep, completeness, totals, storms, levels, counters } = this.#parts;
    if (++this.#flushes % ROOM_FLUSHES === 0) mapRoom.check();
    this.backend.watchedCgroup?.look(this.conditions);
    if (!reader.isHeldUp) filter.look();
    upkeep.images.poll();
    completeness.tick(boottimeNs());
    if (!reader.isHeldUp) totals.tick();
    storms.tick(reader.isHeldUp);
    this.groups?.tick();
    if (upkeep.reconciler) levels.tick(upkeep.reconciler);
    upkeep.tick(counters.work, reader.isHeldUp);
  }

  /**
   * Updates the table from a list of live processes before it is shown, if no events do that.
   * @param olderThanMs the table is not updated more often
   */
  scanAgain(olderThanMs: number): void {
    this.#parts.upkeep.scanAgain(olderThanMs);
  }

  #look(withSweep: boolean): void {
    this.#parts.reader.take();
    if (this.#closed) return;
    if (withSweep) this.#parts.sampling.sweep();
    // One hand-over for the events and the samples.
    this.#events.idle();
  }

  #switchSampling(): void {
    if (this.#schedule.sampleMs > 0) this.#parts.sampling.on();
    else this.#parts.sampling.off();
  }

  /**
   * Detaches the programs and passes on the remaining events. After that the kernel's count of emitted events is
   * exactly the sum of received and lost events.
   */
  async stop(): Promise<void> {
    this.#schedule.stop();
    await this.#parts.completeness.settle();
    this.detach();
    // A program that was running on another CPU when it was detached may still be about to write.
    for (let look = 0; look < 50; look++) {
      await Bun.sleep(2);
      this.#parts.reader.takeAll();
      if (this.isBalanced()) break;
    }
    this.#parts.reader.reportLosses();
    this.#parts.totals.report();
    this.#parts.storms.finish();
    this.#events.idle();
  }

  /** Whether `seen = filtered + suppressed + folded + emitted` and `emitted = received + lost`, for every type. */
  isBalanced(): boolean {
    return this.#parts.counters.isEven();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#schedule.stop();
    this.#preference?.[Symbol.dispose]();
    this.#parts[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #checkClock(): void {
    const problem = unknownOffset();
    if (problem) this.conditions.set("foreign_time_namespace", problem.why, problem.hint);
  }
}
