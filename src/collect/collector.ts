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

/**
 * Number of flushes between two checks whether the kernel's maps have room. A late warning about a full map does no
 * harm.
 */
const ROOM_FLUSHES = 5;

/**
 * Turns the records of the kernel's rings into events in order of time, and updates the process table. Everything runs
 * on this thread: at the signal of a watermark, and every flush interval.
 */
export class Collector implements Disposable {
  readonly table: ProcessTable;
  /** The reasons why this collector sees less than it promises now. */
  readonly conditions: Conditions;
  readonly #options: CollectorOptions;
  readonly #events: CollectorEvents;
  readonly #parts: CollectorParts;
  /** Figures by unit and container; undefined if they are off. */
  readonly groups: GroupReports | undefined;
  readonly #schedule: Schedule;
  #preference: Disposable | undefined;
  #flushes = 0;
  /** The flush interval while processes send records, ms. */
  #flushIntervalMs: number;
  #closed = false;

  /**
   * Loads the kernel side, but attaches nothing yet.
   * @throws LinnixError: exit code 3 if linnix cannot run on this machine, 2 if a watched process does not exist
   */
  constructor(options: CollectorOptions, events: CollectorEvents, conditions = new Conditions()) {
    this.#options = options;
    this.#events = events;
    this.#parts = new CollectorParts(options, events, conditions);
    this.conditions = conditions;
    this.table = this.#parts.table;
    this.groups = this.#parts.groups;
    this.#flushIntervalMs = options.flushIntervalMs;
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

  /** The highest fill of a ring (0 to 1), and the longest wait of an event in a ring; both of about the last minute. */
  get ringPeaks(): { peakFill: number; peakDelayS: number } {
    return this.#parts.feed.rings.peaks;
  }

  /** The highest fill of a ring since the last call, 0 to 1. */
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

  /** All counts so far. Reading them makes some system calls. */
  counters(): CollectorCounters {
    return this.#parts.counters.read();
  }

  /** The counts of the kernel side so far. Reading them makes no system call. */
  counts(): KernelCounts {
    return this.backend.counts();
  }

  /** Number of lost records so far by CPU, including page faults, from the counts of the kernel side. */
  get lostByCpu(): CpuLoss[] {
    return this.#parts.feed.losses.byCpu();
  }

  /** Finds the cgroup, container and unit of an event's process; undefined: events have none of these. */
  set identity(identity: PlaceOfEvent | undefined) {
    this.#parts.identity = identity;
  }

  /** Where CPU time and memory come from; null if sampling is off or not available. */
  get samplingSource(): SamplingSource | null {
    return this.#parts.sampling.source;
  }

  /**
   * Attaches the programs, enters the running processes into the table, and starts to read the rings.
   * @param changesUser whether linnix gives up root after this. If so, only `readHeldImages` reads command lines of
   *   running processes
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
    // Pid 0 asks about any process, because no process has it.
    reportPidNamespace(this.conditions, !reconciler.mayHide(0, 0));
    this.#schedule.start();
    this.#switchSampling();
    trimHeap();
    // Releases code that was compiled only for the start, about 1 MB.
    Bun.shrink();
    dropCleanFilePages();
  }

  /** Call it after root was dropped: it reads the command lines that `start` did not read. */
  readHeldImages(): void {
    this.#parts.upkeep.images.release();
  }

  /** Reads the programs of processes whose execs were missed. Call it after `drain` and before the table is shown. */
  checkImages(): void {
    this.#parts.upkeep.checkImages();
  }

  /** Attaches all probes. */
  attach(): void {
    this.#parts.feed.attach();
    this.#parts.completeness.begin(boottimeNs());
  }

  /** Detaches all probes: no BPF program starts after this, but a running one may still write a record. */
  detach(): void {
    this.#parts.completeness.end();
    this.#parts.feed.detach();
  }

  /** Sets the time between two flushes of the rings, ms. */
  setFlushInterval(flushIntervalMs: number): void {
    this.#flushIntervalMs = flushIntervalMs;
    this.#schedule.setFlushInterval(this.#boundedFlush(flushIntervalMs));
  }

  /** Storms so far, and storms now. */
  get storms(): Pick<StormWatch, "begun" | "active"> {
    return this.#parts.storms;
  }

  /**
   * Sets the storm rate. If a source has more events per second, linnix counts them instead of sending them; 0: no
   * limit. Makes no system call.
   * @param followsRings whether sources are limited to 1,000 events per second while a ring fills up
   */
  setStormRate(rate: number, followsRings = false): void {
    this.#parts.storms.setRate(rate, followsRings);
  }

  /** Sets the level of detail of processes that start from now on. */
  setDetail(detail: DetailLevel): void {
    this.#parts.levels.set(detail);
  }

  /** Sets the time between two reports of the totals of the level `summary`, ms. */
  setSummaryInterval(intervalMs: number): void {
    this.#parts.totals.setInterval(intervalMs);
  }

  /**
   * The flush interval within its limit, ms. If no process sends a record, it may be longer: until the next sample or
   * totals. A watched process or cgroup is looked at with each flush, so its end would be reported late.
   */
  #boundedFlush(flushIntervalMs: number): number {
    const { sampleIntervalMs, pageFaults, filters, maxFlushIntervalMs } = this.#options;
    const isWatching = filters.pids.length > 0 || filters.cgroup !== null;
    const isQuiet = this.#parts.levels.isSummaryOnly && pageFaults !== true && !isWatching;
    const sampleMs = this.#schedule?.sampleMs ?? sampleIntervalMs;
    const dueMs = isQuiet ? Math.min(sampleMs || Number.POSITIVE_INFINITY, this.#parts.totals.intervalMs) : 0;
    return Math.min(Math.max(flushIntervalMs, dueMs), maxFlushIntervalMs ?? Number.POSITIVE_INFINITY);
  }

  /**
   * Sets the time between two scans of all processes, ms; 0 stops them, and releases their resources unless
   * `keepLoaded` was called.
   */
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

  /** Passes on the events in the rings, as far as the outputs can take them. */
  drain(): void {
    this.#parts.reader.drain();
  }

  #flush(withSweep: boolean): void {
    this.#look(withSweep);
    if (!this.#closed) this.#doDuties();
  }

  /** Periodic work. Each part decides whether its work is due, and none has a timer of its own. */
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
    if (upkeep.reconciler && levels.tick(upkeep.reconciler)) this.setFlushInterval(this.#flushIntervalMs);
    upkeep.tick(counters.work, reader.isHeldUp);
  }

  /**
   * Updates the table from a list of live processes, if events do not report every process. Call it before the table is
   * shown.
   * @param olderThanMs does nothing if the last list is not older than this
   */
  scanAgain(olderThanMs: number): void {
    this.#parts.upkeep.scanAgain(olderThanMs);
  }

  #look(withSweep: boolean): void {
    this.#parts.reader.take();
    if (this.#closed) return;
    if (withSweep) this.#parts.sampling.sweep();
    // The sinks flush once for the events and the samples.
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
