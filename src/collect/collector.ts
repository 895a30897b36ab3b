import { WallClock } from "../json/wall-clock.ts";
import { type Backend, holdsBackExits } from "../probes/backend.ts";
import type { KernelCounts } from "../probes/counters.ts";
import { EventView, type PlaceOfEvent } from "../process/event-view.ts";
import { ImageReader } from "../process/image-reader.ts";
import { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import { SampleFilter } from "../sampling/sample-filter.ts";
import { boottimeNs, realtimeOffsetNs, roughRealtimeOffsetNs } from "../sys/clock.ts";
import { dropCleanFilePages, giveLargeBlocksBack, trimHeap } from "../sys/memory.ts";
import { unknownOffset } from "../sys/time-namespace.ts";
import { TotalsBuffers } from "../totals/buffers.ts";
import { TotalsFeed } from "../totals/feed.ts";
import type { DetailLevel } from "../wire/detail-level.ts";
import type { CountByType, LostEvent } from "../wire/event.ts";
import {
  EVENT_CLOCK,
  EVENT_EXEC,
  EVENT_EXIT,
  EVENT_FORK,
  EVENT_PAGE_FAULT,
  EVENT_PROCESS,
  PROCESS_EVENT,
} from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import type { CollectorEvents } from "./collector-events.ts";
import { Completeness } from "./completeness.ts";
import { Conditions } from "./conditions.ts";
import { type CollectorCounters, RunCounters } from "./counters.ts";
import { GroupReports, type GroupSettings } from "./group-reports.ts";
import { Housekeeping } from "./housekeeping.ts";
import { KernelFeed, type KernelFeedOptions } from "./kernel-feed.ts";
import type { CpuLoss } from "./losses.ts";
import { MapRoom } from "./map-room.ts";
import { MissedImages } from "./missed-images.ts";
import { reportMissingRings } from "./missing-rings.ts";
import { OldLevels } from "./old-levels.ts";
import { reportPidNamespace } from "./pid-namespace-condition.ts";
import { Reconciler, type ReconcilerOptions } from "./reconciler.ts";
import { type SamplingSource, SamplingSwitch } from "./sampling-switch.ts";
import { Schedule } from "./schedule.ts";
import { SpareDescriptors } from "./spare-descriptors.ts";
import { type KnownProcess, StormReports } from "./storm-reports.ts";
import { TableRefresh } from "./table-refresh.ts";
import { preferThisThread } from "./thread-priority.ts";
import { TotalsReports } from "./totals-reports.ts";
import { WatchedProcesses } from "./watched-processes.ts";

export interface CollectorOptions extends KernelFeedOptions {
  flushIntervalMs: number;
  /** The flush interval is never longer than this, ms, because other work depends on it. */
  maxFlushIntervalMs?: number;
  lingerMs: number;
  /** Time between two scans over the CPU time and memory of all processes; 0: none. */
  sampleIntervalMs: number;
  /** A process that did not run is sampled if its memory has moved by this, bytes. */
  rssThresholdBytes: number;
  /** Time between two reports of totals; left out: 10 s. */
  summaryIntervalMs?: number;
  /** Absent: nothing is counted by unit and container. */
  groups?: GroupSettings;
  /** Whether sources are limited to 1,000 events a second while a ring fills up. */
  stormsFollowRings?: boolean;
  /** Options of the comparison of the table with live processes. */
  reconcile?: Pick<ReconcilerOptions, "everyNs" | "lister">;
}

/** Flushes between two checks whether the kernel's maps have room: one process without room is no emergency. */
const ROOM_FLUSHES = 5;
/** The table is held against what runs after a storm, but not more often than this, ns. */
const AFTER_STORM_NS = 5e9;
const DEFAULT_SUMMARY_MS = 10_000;

const EVENT_TYPES = { fork: EVENT_FORK, exec: EVENT_EXEC, exit: EVENT_EXIT } as const;

/**
 * As a share of the watermark: after a signal, the rings are not drained if none of them holds more than this. The
 * kernel sends a signal each time it has written a watermark of bytes, even if most of them have been read since. Right
 * after a flush there is no hurry, and a drain costs as much as a hundred events, because the caches are cold. By
 * default the watermark is half of a ring: the next signal comes before five eighths of the ring are full.
 */
const SIGNAL_SHARE = 1 / 4;
/** Of a ring: beyond the watermark of one half, so that a ring that is read in time is not filling up. */
const FILLING_SHARE = 5 / 8;

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
  readonly #clock = new WallClock(realtimeOffsetNs());
  readonly #view: EventView;
  readonly #wanted: ReadonlySet<number>;
  readonly #counters: RunCounters;
  readonly #completeness: Completeness;
  readonly #sampleFilter: SampleFilter;
  readonly #watched: WatchedProcesses;
  /** Whether samples are wanted of some processes and their descendants only. */
  readonly #follows: boolean;
  readonly #mapRoom: MapRoom;
  readonly #sampling: SamplingSwitch;
  readonly #totals: TotalsReports;
  readonly #storms: StormReports;
  readonly #refresh: TableRefresh;
  /** There was a storm since then. */
  #hasStormed = false;
  /** What happens by unit and container; undefined: not wanted. */
  readonly groups: GroupReports | undefined;
  #identity: PlaceOfEvent | undefined;
  readonly #oldLevels = new OldLevels();
  readonly #schedule: Schedule;
  readonly #descriptors = new SpareDescriptors();
  readonly #images: ImageReader;
  readonly #missedImages: MissedImages;
  #reconciler: Reconciler | undefined;
  #housekeeping: Housekeeping | undefined;
  #preference: Disposable | undefined;
  #wakeups = 0;
  #flushes = 0;
  #closed = false;
  /** Whether no output can take what the rings hold. */
  #isHeldUp = false;
  readonly #canTake = () => {
    this.#isHeldUp = this.#events.ready?.() === false;
    return !this.#isHeldUp;
  };
  readonly #giveLoss = (event: LostEvent) => this.#events.notice?.(event);
  readonly #onSignal = () => {
    this.#wakeups++;
    if (this.#feed.rings.holdsMoreThan(this.#options.watermarkBytes * SIGNAL_SHARE)) this.drain();
  };
  readonly #consume = (record: Record) => {
    const type = record.u8(PROCESS_EVENT.type);
    if (type === EVENT_CLOCK) {
      this.backend.clocks?.take(record);
      return;
    }
    this.#counters.count(type);
    if (type === EVENT_PAGE_FAULT) {
      this.#pageFault(record);
      return;
    }
    this.#view.accept(record);
    if (this.#follows && !this.#follow(type)) return;
    // An exec may have been sent only because the exits need it.
    if (this.#wanted.has(type)) this.#events.event(this.#view);
  };

  /**
   * Loads the kernel half; nothing is attached yet.
   * @throws LinnixError: exit code 3 when it cannot run here, 2 when a watched process does not exist
   */
  constructor(given: CollectorOptions, events: CollectorEvents, conditions = new Conditions()) {
    this.conditions = conditions;
    this.#watched = new WatchedProcesses(given.filters.pids, this.conditions);
    const options = { ...given, filters: { ...given.filters, pids: this.#watched.pids } };
    if (given.groups) options.addsAll = true;
    this.#options = options;
    this.#events = events;
    this.#follows = options.filters.pids.length > 0;
    this.table = new ProcessTable({ lingerNs: options.lingerMs * 1e6 });
    this.table.exitsHeldBack = holdsBackExits(options);
    this.#view = new EventView(this.table, this.#clock);
    this.#wanted = new Set([...options.events.map((type) => EVENT_TYPES[type]), EVENT_PROCESS]);
    // libbpf is about to take 12 MB for a short time. Memory of the runtime's own start is released before that.
    dropCleanFilePages();
    giveLargeBlocksBack();
    this.#feed = new KernelFeed(options);
    try {
      this.#sampleFilter = new SampleFilter(options.filters);
    } catch (error) {
      this.#feed.close();
      throw error;
    }
    const { maxArgsBytes } = options;
    const missed = this.#feed.backend.missedExecs();
    this.#images = new ImageReader({ table: this.table, maxBytes: maxArgsBytes, drain: () => this.drain(), missed });
    this.#missedImages = new MissedImages(this.table, missed, this.#images);
    // Its pid may soon belong to another process.
    if (this.#follows) this.table.onGone = (pid) => this.#sampleFilter.exited(pid);
    this.#mapRoom = new MapRoom(this.#feed.backend, this.conditions);
    this.#sampling = new SamplingSwitch({
      rssThresholdBytes: options.rssThresholdBytes,
      view: this.#view,
      filter: this.#sampleFilter,
      totals: {
        note: (view) => this.#totals.note(view),
        reportsSample: (view) => this.#totals.reportsSample(view),
      },
      descriptors: this.#descriptors,
      drain: () => this.#take(),
      sample: (view) => this.#giveSample(view),
      noRoom: (processes) => this.#samplerRoom(processes),
    });
    const { backend } = this.#feed;
    this.#refresh = new TableRefresh({
      backend,
      table: this.table,
      images: this.#images,
      filter: this.#sampleFilter,
      follows: this.#follows,
      reconcile: () => this.#descriptors.use(1, () => this.#reconciler?.reconcile()),
    });
    const feed = new TotalsFeed(new TotalsBuffers(() => backend.totalsMemory, backend.totalsPlaces, backend.detail));
    this.#totals = new TotalsReports({
      backend,
      feed,
      table: this.table,
      intervalMs: options.summaryIntervalMs ?? DEFAULT_SUMMARY_MS,
      scan: () => this.#refresh.scan(),
      isSampling: () => this.samplingSource !== null,
      wants: (slot) => this.passes(slot),
      take: (lines) => this.#events.totals?.(lines),
    });
    if (options.stormsFollowRings) this.setStormRate(backend.stormLimit.rate, true);
    this.#storms = new StormReports({
      places: backend.stormPlaces,
      isOn: () => backend.stormLimit.rate > 0,
      cgroupPath: (cgroupId) => this.#identity?.ofCgroupId?.(cgroupId)?.cgroup ?? null,
      processOf: (pid, startNs) => this.#knownProcess(pid, startNs),
      take: (event) => this.#events.notice?.(event),
    });
    if (options.groups) {
      this.groups = new GroupReports({
        settings: options.groups,
        backend,
        feed,
        table: this.table,
        descriptors: this.#descriptors,
        isFiltered: holdsBackExits(options),
        placeOf: (cgroupId) => this.#identity?.ofCgroupId?.(cgroupId),
        wants: (slot) => this.passes(slot),
        isSampling: () => this.samplingSource !== null,
        refresh: () => this.#refreshTable(),
      });
    }
    this.#completeness = new Completeness(() => this.backend.createdTasks(), this.conditions);
    this.#counters = new RunCounters(this.#feed, this.#sampling, this.#totals, this.#completeness);
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
    let running = 0;
    for (const slot of this.table.liveSlots()) if (this.passes(slot)) running++;
    return running;
  }

  /** Whether a live process passes the filters. */
  passes(slot: number): boolean {
    return this.#sampleFilter.wantsSlot(this.table, slot);
  }

  /** Times that a ring's watermark woke this process. */
  get wakeups(): number {
    return this.#wakeups;
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
    if (changesUser) this.#images.hold();
    this.#checkClock();
    this.#preference = preferThisThread();
    process.on("SIGIO", this.#onSignal);
    this.#feed.signalOnWatermark();
    this.#reconciler = new Reconciler({
      table: this.table,
      drain: () => {
        this.drain();
        return !this.#isHeldUp;
      },
      exitsHeldBack: holdsBackExits(this.#options),
      images: this.#images,
      ...this.#options.reconcile,
    });
    this.#housekeeping = new Housekeeping(this.table, this.#reconciler, this.#descriptors);
    if (this.#totals.isOn) this.#startTotals();
    else if (this.groups) this.#askClocks();
    this.attach();
    this.#seed(this.#reconciler);
    this.#totals.seeded();
    this.groups?.begin();
    // No process has pid 0, so it means every process that may be missing in the list.
    reportPidNamespace(this.conditions, !this.#reconciler.mayHide(0, 0));
    this.#schedule.start();
    this.#switchSampling();
    trimHeap();
    // Releases what was compiled only to start: a megabyte.
    Bun.shrink();
    dropCleanFilePages();
  }

  /** The rest of `start`, after root was dropped. */
  readHeldImages(): void {
    this.#images.release();
  }

  /** Call it before the table is shown, and after `drain`: then its programs are up to date. */
  checkImages(): void {
    if (!this.#closed) this.#missedImages.look();
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
  get storms(): { readonly begun: number; readonly active: number } {
    return this.#storms;
  }

  /**
   * Events a second of a source above which they are counted instead of sent; 0: no limit. No system call.
   * @param followsRings whether sources are limited to 1,000 while a ring fills up
   */
  setStormRate(rate: number, followsRings = false): void {
    const limit = this.backend.stormLimit;
    limit.ringShare = followsRings ? this.#options.ringBytes * FILLING_SHARE : 0;
    limit.rate = rate;
  }

  /** What is reported of processes that start from now on. */
  setDetail(detail: DetailLevel): void {
    if (detail === "summary" && !this.#totals.isOn) this.#startTotals();
    if (detail === this.backend.detail.level) return;
    const folds = this.backend.detail.level !== "events";
    this.backend.detail.set(detail);
    if (folds) this.#refresh.readFoldedImages();
  }

  /** How often the totals of the level `summary` are reported from now on. */
  setSummaryInterval(intervalMs: number): void {
    this.#totals.setInterval(intervalMs);
  }

  #startTotals(): void {
    // An exit that no event reports is not lost.
    this.table.exitsHeldBack = true;
    this.#askClocks();
    this.#totals.begin();
  }

  /** Totals lack what a process ran since the last tick on a CPU whose clock is not known. */
  #askClocks(): void {
    this.backend.clocks?.askNow();
    this.#take();
  }

  /** Brings the table up to date with what lives. @returns false: no output takes what the rings hold */
  #refreshTable(): boolean {
    this.drain();
    if (this.#closed || this.#isHeldUp) return false;
    if (holdsBackExits(this.#options) || this.#refresh.isNeeded) this.#refresh.scan();
    return true;
  }

  /** If no process sends a record, the next wake-up is for a sample or for totals. */
  #boundedFlush(flushIntervalMs: number): number {
    const { sampleIntervalMs, pageFaults } = this.#options;
    const { levels } = this.backend.detail;
    const isQuiet = levels.size === 1 && levels.has("summary") && pageFaults !== true;
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
    this.#take();
    if (!this.#closed) this.#events.idle();
  }

  #take(): void {
    this.#events.begins?.();
    if (this.#closed) return;
    // Also while the outputs can take nothing: then the records in the rings get their time when they are read.
    if (this.#clock.isOff(roughRealtimeOffsetNs())) this.#clock.adjust(realtimeOffsetNs());
    if (this.#feed.cpuRings.follow(boottimeNs())) reportMissingRings(this.#feed.cpuRings.missing, this.conditions);
    if (!this.#canTake()) return;
    // Most looks find empty rings, and make no system call. A CPU without a ring can still lose records.
    if (!this.#feed.rings.isEmpty()) {
      this.#feed.rings.drain(this.#consume, this.#canTake);
      this.backend.stormLimit.drained();
    }
    this.#feed.losses.report(this.#clock, this.#giveLoss);
  }

  #flush(withSweep: boolean): void {
    this.#look(withSweep);
    if (!this.#closed) this.#doDuties();
  }

  /** Periodic work. Each part decides by its own clock, and none has a timer of its own. */
  #doDuties(): void {
    if (++this.#flushes % ROOM_FLUSHES === 0) this.#mapRoom.check();
    this.backend.watchedCgroup?.look(this.conditions);
    if (this.#follows && !this.#isHeldUp) this.#watched.look(this.#sampleFilter.followed);
    this.#images.poll();
    this.#completeness.tick(boottimeNs());
    if (!this.#isHeldUp) this.#totals.tick();
    this.#lookAtStorms();
    this.groups?.tick();
    this.#forgetLevels();
    this.#housekeeping?.tick(this.#counters.work, this.#isHeldUp);
  }

  #forgetLevels(): void {
    const { backend, table } = this;
    const reconciler = this.#reconciler;
    if (!reconciler || !this.#oldLevels.look({ backend, table, reconciler, totals: this.#totals })) return;
    if (!this.#totals.isOn) table.exitsHeldBack = holdsBackExits(this.#options);
  }

  /**
   * Updates the table from a list of live processes before it is shown, if no events do that.
   * @param olderThanMs the table is not updated more often
   */
  scanAgain(olderThanMs: number): void {
    const refresh = this.#refresh;
    if (this.#closed || refresh.ageNs < olderThanMs * 1e6 || !refresh.isNeeded) return;
    refresh.scan();
    refresh.readUnknownImages();
  }

  /**
   * The end of a process that was counted only is not lost. After a storm the table is held against what runs, so that it
   * shows what the storm left behind and nothing that is gone.
   */
  #lookAtStorms(): void {
    const { table } = this;
    this.#storms.tick();
    if (this.#storms.active > 0) {
      this.#hasStormed = true;
      table.exitsHeldBack = true;
      return;
    }
    // Storms may come one after the other: each look costs milliseconds.
    if (!this.#hasStormed || this.#isHeldUp || this.#refresh.ageNs < AFTER_STORM_NS) return;
    this.#hasStormed = false;
    this.#refresh.scan();
    this.#refresh.readUnknownImages();
    this.checkImages();
    if (!this.#totals.isOn) table.exitsHeldBack = holdsBackExits(this.#options);
  }

  #knownProcess(pid: number, startNs: bigint): KnownProcess | undefined {
    const { table } = this;
    const slot = table.find(pid);
    if (slot === NO_SLOT || (startNs !== 0n && table.startNs(slot) !== startNs)) return undefined;
    return { comm: table.comm(slot), cgroupId: table.cgroupId(slot), uid: table.uid(slot) };
  }

  #look(withSweep: boolean): void {
    this.#take();
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

  #giveSample(view: EventView): boolean {
    if (this.#events.ready?.() === false) return false;
    this.#events.event(view);
    return true;
  }

  /** The kernel side holds no filters against page faults. */
  #pageFault(record: Record): void {
    this.#view.accept(record);
    if (this.#sampleFilter.wants(this.#view)) this.#events.event(this.#view);
  }

  /** Whether the event is of a process that is watched: the kernel side sends others once a map had no room. */
  #follow(type: number): boolean {
    const { pid } = this.#view;
    if (type === EVENT_FORK) this.#sampleFilter.forked(pid, this.#view.ppid);
    const isWatched =
      this.#sampleFilter.follows(pid) ||
      !this.#mapRoom.sendsAll ||
      (type === EVENT_PROCESS && this.#sampleFilter.follows(this.#view.ppid));
    if (type === EVENT_EXIT || type === EVENT_PROCESS) this.#sampleFilter.exited(pid);
    return isWatched;
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
      this.#feed.rings.drainAll(this.#consume);
      if (this.isBalanced()) break;
    }
    this.#feed.losses.report(this.#clock, this.#giveLoss);
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
    this.#schedule.stop();
    this.#sampling[Symbol.dispose]();
    this.groups?.[Symbol.dispose]();
    this.#sampleFilter.close();
    process.off("SIGIO", this.#onSignal);
    this.#preference?.[Symbol.dispose]();
    this.#reconciler?.[Symbol.dispose]();
    this.#feed.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #checkClock(): void {
    const problem = unknownOffset();
    if (problem) this.conditions.set("foreign_time_namespace", problem.why, problem.hint);
  }

  /** Enters the running processes. If linnix watches only some processes, it also finds their descendants. */
  #seed(reconciler: Reconciler): void {
    const { filters } = this.#options;
    const watched = reconciler.seed(filters.pids, (pid) => this.backend.trackPid(pid));
    if (!this.#follows) return;
    this.#watched.settle(watched, this.table, reconciler, { backend: this.backend, filter: this.#sampleFilter });
    this.#watched.look(this.#sampleFilter.followed);
  }
}
