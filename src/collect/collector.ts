import { WallClock } from "../json/wall-clock.ts";
import { type Backend, holdsBackExits } from "../probes/backend.ts";
import type { KernelCounts } from "../probes/counters.ts";
import { EventView, type PlaceOfEvent } from "../process/event-view.ts";
import { ProcessTable } from "../process/table.ts";
import { boottimeNs, realtimeOffsetNs } from "../sys/clock.ts";
import { dropCleanFilePages, giveLargeBlocksBack, trimHeap } from "../sys/memory.ts";
import { unknownOffset } from "../sys/time-namespace.ts";
import { TotalsBuffers } from "../totals/buffers.ts";
import { TotalsFeed } from "../totals/feed.ts";
import type { DetailLevel } from "../wire/detail-level.ts";
import type { CountByType } from "../wire/event.ts";
import { EVENT_EXEC, EVENT_EXIT, EVENT_FORK } from "../wire/layout.gen.ts";
import type { CollectorEvents } from "./collector-events.ts";
import type { CollectorOptions } from "./collector-options.ts";
import { Completeness } from "./completeness.ts";
import { Conditions } from "./conditions.ts";
import { type CollectorCounters, RunCounters } from "./counters.ts";
import { GroupReports } from "./group-reports.ts";
import { KernelFeed } from "./kernel-feed.ts";
import { LevelControl } from "./level-control.ts";
import type { CpuLoss } from "./losses.ts";
import { MapRoom } from "./map-room.ts";
import { reportPidNamespace } from "./pid-namespace-condition.ts";
import { ProcessFilter } from "./process-filter.ts";
import { RingReader } from "./ring-reader.ts";
import { type SamplingSource, SamplingSwitch } from "./sampling-switch.ts";
import { Schedule } from "./schedule.ts";
import { SpareDescriptors } from "./spare-descriptors.ts";
import { StormWatch } from "./storm-watch.ts";
import { TableUpkeep } from "./table-upkeep.ts";
import { preferThisThread } from "./thread-priority.ts";
import { TotalsReports } from "./totals-reports.ts";
import { WatchedProcesses } from "./watched-processes.ts";

/** Flushes between two checks whether the kernel's maps have room: one process without room is no emergency. */
const ROOM_FLUSHES = 5;
const DEFAULT_SUMMARY_MS = 10_000;

const EVENT_TYPES = { fork: EVENT_FORK, exec: EVENT_EXEC, exit: EVENT_EXIT } as const;

/**
 * As a share of the watermark: after a signal, the rings are not drained if none of them holds more than this. The
 * kernel sends a signal each time it has written a watermark of bytes, even if most of them have been read since. Right
 * after a flush there is no hurry, and a drain costs as much as a hundred events, because the caches are cold. By
 * default the watermark is half of a ring: the next signal comes before five eighths of the ring are full.
 */
const SIGNAL_SHARE = 1 / 4;

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
  readonly #feed: KernelFeed;
  readonly #reader: RingReader;
  readonly #view: EventView;
  readonly #counters: RunCounters;
  readonly #completeness: Completeness;
  readonly #filter: ProcessFilter;
  readonly #mapRoom: MapRoom;
  readonly #sampling: SamplingSwitch;
  readonly #totals: TotalsReports;
  readonly #levels: LevelControl;
  readonly #upkeep: TableUpkeep;
  readonly #storms: StormWatch;
  /** What happens by unit and container; undefined: not wanted. */
  readonly groups: GroupReports | undefined;
  #identity: PlaceOfEvent | undefined;
  readonly #schedule: Schedule;
  readonly #descriptors = new SpareDescriptors();
  #preference: Disposable | undefined;
  #flushes = 0;
  #closed = false;

  /**
   * Loads the kernel half; nothing is attached yet.
   * @throws LinnixError: exit code 3 when it cannot run here, 2 when a watched process does not exist
   */
  constructor(given: CollectorOptions, events: CollectorEvents, conditions = new Conditions()) {
    this.conditions = conditions;
    const watched = new WatchedProcesses(given.filters.pids, this.conditions);
    const options = { ...given, filters: { ...given.filters, pids: watched.pids } };
    const isFiltered = holdsBackExits(options);
    if (given.groups) options.addsAll = true;
    this.#options = options;
    this.#events = events;
    this.table = new ProcessTable({ lingerNs: options.lingerMs * 1e6 });
    const { table } = this;
    const clock = new WallClock(realtimeOffsetNs());
    this.#view = new EventView(table, clock);
    // libbpf is about to take 12 MB for a short time. Memory of the runtime's own start is released before that.
    dropCleanFilePages();
    giveLargeBlocksBack();
    this.#feed = new KernelFeed(options);
    const { backend } = this.#feed;
    this.#mapRoom = new MapRoom(backend, this.conditions);
    try {
      const { filters } = options;
      this.#filter = new ProcessFilter({ filters, table, watched, backend, mapRoom: this.#mapRoom });
    } catch (error) {
      this.#feed.close();
      throw error;
    }
    this.#upkeep = new TableUpkeep({
      backend,
      table,
      filter: this.#filter,
      descriptors: this.#descriptors,
      maxArgsBytes: options.maxArgsBytes,
      isFiltered,
      reconcile: options.reconcile,
      drain: () => {
        this.drain();
        return !this.#reader.isHeldUp;
      },
    });
    const { refresh } = this.#upkeep;
    this.#sampling = new SamplingSwitch({
      rssThresholdBytes: options.rssThresholdBytes,
      view: this.#view,
      filter: this.#filter.samples,
      totals: {
        note: (view) => this.#totals.note(view),
        reportsSample: (view) => this.#totals.reportsSample(view),
      },
      descriptors: this.#descriptors,
      drain: () => this.#reader.take(),
      sample: (view) => this.#reader.giveSample(view),
      noRoom: (processes) => this.#samplerRoom(processes),
    });
    const feed = new TotalsFeed(new TotalsBuffers(() => backend.totalsMemory, backend.totalsPlaces, backend.detail));
    this.#totals = new TotalsReports({
      backend,
      feed,
      table,
      intervalMs: options.summaryIntervalMs ?? DEFAULT_SUMMARY_MS,
      scan: () => refresh.scan(),
      isSampling: () => this.samplingSource !== null,
      wants: (slot) => this.passes(slot),
      take: (lines) => this.#events.totals?.(lines),
    });
    this.#levels = new LevelControl({
      backend,
      table,
      totals: this.#totals,
      refresh,
      holdsBackExits: isFiltered,
      take: () => this.#reader.take(),
    });
    this.#storms = new StormWatch({
      backend,
      table,
      levels: this.#levels,
      refresh,
      ringBytes: options.ringBytes,
      cgroupPath: (cgroupId) => this.#identity?.ofCgroupId?.(cgroupId)?.cgroup ?? null,
      checkImages: () => this.#upkeep.checkImages(),
      take: (event) => this.#events.notice?.(event),
    });
    if (options.stormsFollowRings) this.#storms.setRate(backend.stormLimit.rate, true);
    if (options.groups) {
      this.groups = new GroupReports({
        settings: options.groups,
        backend,
        feed,
        table,
        descriptors: this.#descriptors,
        isFiltered,
        placeOf: (cgroupId) => this.#identity?.ofCgroupId?.(cgroupId),
        wants: (slot) => this.passes(slot),
        isSampling: () => this.samplingSource !== null,
        refresh: () => this.#upkeep.bringUpToDate(),
      });
    }
    this.#completeness = new Completeness(() => this.backend.createdTasks(), this.conditions);
    this.#counters = new RunCounters(this.#feed, this.#sampling, this.#totals, this.#completeness);
    this.#reader = new RingReader({
      feed: this.#feed,
      view: this.#view,
      clock,
      counters: this.#counters,
      filter: this.#filter,
      events,
      conditions: this.conditions,
      types: options.events.map((type) => EVENT_TYPES[type]),
      signalBytes: options.watermarkBytes * SIGNAL_SHARE,
    });
    this.#schedule = new Schedule(this.#boundedFlush(options.flushIntervalMs), options.sampleIntervalMs, {
      flush: (withSweep) => this.#flush(withSweep),
      sweep: () => this.#look(true),
      ...(events.freeMs ? { freeMs: () => events.freeMs?.() ?? 0 } : {}),
    });
  }

  get backend(): Backend {
    return this.#feed.backend;
  }

  /** Records that reached user space, by type. */
  get received(): Readonly<CountByType> {
    return this.#counters.received;
  }

  /** Events delivered after a later event. */
  get outOfOrder(): number {
    return this.#feed.rings.outOfOrder;
  }

  /** How full the rings were, and how long events waited in them. */
  get ringPeaks(): { peakFill: number; peakDelayS: number } {
    return this.#feed.rings.peaks;
  }

  /** How full the fullest ring was since the last call. */
  takeRingFill(): number {
    return this.#feed.rings.takeFill();
  }

  /** Live processes that pass the filters. */
  get running(): number {
    return this.#filter.running;
  }

  /** Whether a live process passes the filters. */
  passes(slot: number): boolean {
    return this.#filter.passes(slot);
  }

  /** Times that a ring's watermark woke this process. */
  get wakeups(): number {
    return this.#reader.wakeups;
  }

  /** All counts so far. Some system calls. */
  counters(): CollectorCounters {
    return this.#counters.read();
  }

  /** The kernel's own counts so far: no system call. */
  counts(): KernelCounts {
    return this.backend.counts();
  }

  /** Records that were lost so far, of every type and page faults as well, by the kernel's own counts. */
  get lostByCpu(): CpuLoss[] {
    return this.#feed.losses.byCpu();
  }

  /** Finds the place of an event's process; undefined: events get no place. */
  set identity(identity: PlaceOfEvent | undefined) {
    this.#identity = identity;
    this.#view.identity = identity;
    this.#totals.identity = identity;
  }

  /** Where CPU time and memory come from; null if sampling is off or not available. */
  get samplingSource(): SamplingSource | null {
    return this.#sampling.source;
  }

  /**
   * Attaches, enters what already runs into the table, and starts to read.
   * @param changesUser linnix gives up root after this, so only `readHeldImages` reads command lines of running
   *   processes
   */
  start(changesUser = false): void {
    if (changesUser) this.#upkeep.images.hold();
    this.#checkClock();
    this.#preference = preferThisThread();
    this.#reader.start();
    const reconciler = this.#upkeep.begin();
    if (this.#totals.isOn) this.#levels.startTotals();
    else if (this.groups) this.#levels.askClocks();
    this.attach();
    this.#filter.seed(reconciler);
    this.#totals.seeded();
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
    this.#upkeep.images.release();
  }

  /** Call it before the table is shown, and after `drain`: then its programs are up to date. */
  checkImages(): void {
    this.#upkeep.checkImages();
  }

  /** Attaches all probes. */
  attach(): void {
    this.#feed.attach();
    this.#completeness.begin(boottimeNs());
  }

  /** Detaches all probes: no program starts after this; a program that runs may still end. */
  detach(): void {
    this.#completeness.end();
    this.#feed.detach();
  }

  /** Sets the time between two flushes of the rings, ms. */
  setFlushInterval(flushIntervalMs: number): void {
    this.#schedule.setFlushInterval(this.#boundedFlush(flushIntervalMs));
  }

  /** Storms so far, and storms now. */
  get storms(): Pick<StormWatch, "begun" | "active"> {
    return this.#storms;
  }

  /**
   * Events a second of a source above which they are counted instead of sent; 0: no limit. No system call.
   * @param followsRings whether sources are limited to 1,000 while a ring fills up
   */
  setStormRate(rate: number, followsRings = false): void {
    this.#storms.setRate(rate, followsRings);
  }

  /** What is reported of processes that start from now on. */
  setDetail(detail: DetailLevel): void {
    this.#levels.set(detail);
  }

  /** How often the totals of the level `summary` are reported from now on. */
  setSummaryInterval(intervalMs: number): void {
    this.#totals.setInterval(intervalMs);
  }

  /** If no process sends a record, the next wake-up is for a sample or for totals. */
  #boundedFlush(flushIntervalMs: number): number {
    const { sampleIntervalMs, pageFaults } = this.#options;
    const isQuiet = this.#levels.isSummaryOnly && pageFaults !== true;
    const sampleMs = this.#schedule?.sampleMs ?? sampleIntervalMs;
    const dueMs = isQuiet ? Math.min(sampleMs || Number.POSITIVE_INFINITY, this.#totals.intervalMs) : 0;
    return Math.min(Math.max(flushIntervalMs, dueMs), this.#options.maxFlushIntervalMs ?? flushIntervalMs);
  }

  /** Sets the time between two scans of all processes, ms; 0 stops them and releases their resources. */
  setSampleInterval(sampleIntervalMs: number): void {
    if (sampleIntervalMs === this.#schedule.sampleMs) return;
    this.#schedule.setSampleInterval(sampleIntervalMs);
    if (this.#schedule.isRunning) this.#switchSampling();
  }

  /** Keeps what is loaded. Call it once the kernel refuses to load anything more, as after root was dropped. */
  keepLoaded(): void {
    this.#sampling.keepLoaded();
  }

  /** Gives out what the rings hold, as far as the outputs can take it. */
  drain(): void {
    this.#reader.drain();
  }

  #flush(withSweep: boolean): void {
    this.#look(withSweep);
    if (!this.#closed) this.#doDuties();
  }

  /** Periodic work. Each part decides by its own clock, and none has a timer of its own. */
  #doDuties(): void {
    const reader = this.#reader;
    const { reconciler } = this.#upkeep;
    if (++this.#flushes % ROOM_FLUSHES === 0) this.#mapRoom.check();
    this.backend.watchedCgroup?.look(this.conditions);
    if (!reader.isHeldUp) this.#filter.look();
    this.#upkeep.images.poll();
    this.#completeness.tick(boottimeNs());
    if (!reader.isHeldUp) this.#totals.tick();
    this.#storms.tick(reader.isHeldUp);
    this.groups?.tick();
    if (reconciler) this.#levels.tick(reconciler);
    this.#upkeep.tick(this.#counters.work, reader.isHeldUp);
  }

  /**
   * Updates the table from a list of live processes before it is shown, if no events do that.
   * @param olderThanMs the table is not updated more often
   */
  scanAgain(olderThanMs: number): void {
    this.#upkeep.scanAgain(olderThanMs);
  }

  #look(withSweep: boolean): void {
    this.#reader.take();
    if (this.#closed) return;
    if (withSweep) this.#sampling.sweep();
    // One hand-over for the events and the samples.
    this.#events.idle();
  }

  #switchSampling(): void {
    if (this.#schedule.sampleMs > 0) this.#sampling.on();
    else this.#sampling.off();
  }

  #samplerRoom(withoutRoom: number): void {
    // No number in it: each new message is a line of the log.
    if (withoutRoom > 0) this.conditions.set("sampler_full", "the sampler has no room for some processes");
    else this.conditions.clear("sampler_full", "the sampler has room for all processes again");
  }

  /**
   * Detaches the programs and passes on the remaining events. After that the kernel's count of emitted events is
   * exactly the sum of received and lost events.
   */
  async stop(): Promise<void> {
    this.#schedule.stop();
    await this.#completeness.settle();
    this.detach();
    // A program that was running on another CPU when it was detached may still be about to write.
    for (let look = 0; look < 50; look++) {
      await Bun.sleep(2);
      this.#reader.takeAll();
      if (this.isBalanced()) break;
    }
    this.#reader.reportLosses();
    this.#totals.report();
    this.#storms.finish();
    this.#events.idle();
  }

  /** Whether `seen = filtered + suppressed + folded + emitted` and `emitted = received + lost`, for every type. */
  isBalanced(): boolean {
    return this.#counters.isEven();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.close();
    this.#schedule.stop();
    this.#sampling[Symbol.dispose]();
    this.groups?.[Symbol.dispose]();
    this.#filter[Symbol.dispose]();
    this.#preference?.[Symbol.dispose]();
    this.#upkeep[Symbol.dispose]();
    this.#feed.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #checkClock(): void {
    const problem = unknownOffset();
    if (problem) this.conditions.set("foreign_time_namespace", problem.why, problem.hint);
  }
}
