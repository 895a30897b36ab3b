import { WallClock } from "../json/wall-clock.ts";
import { holdsBackExits } from "../probes/backend.ts";
import { EventView, type PlaceOfEvent } from "../process/event-view.ts";
import { ProcessTable } from "../process/table.ts";
import { realtimeOffsetNs } from "../sys/clock.ts";
import { dropCleanFilePages, giveLargeBlocksBack } from "../sys/memory.ts";
import { TotalsBuffers } from "../totals/buffers.ts";
import { TotalsFeed } from "../totals/feed.ts";
import { CONDITIONS } from "../wire/conditions.ts";
import { EVENT_EXEC, EVENT_EXIT, EVENT_FORK } from "../wire/layout.gen.ts";
import type { CollectorEvents } from "./collector-events.ts";
import type { CollectorOptions } from "./collector-options.ts";
import { Completeness } from "./completeness.ts";
import type { Conditions } from "./conditions.ts";
import { RunCounters } from "./counters.ts";
import { GroupReports } from "./group-reports.ts";
import { KernelFeed } from "./kernel-feed.ts";
import { LevelControl } from "./level-control.ts";
import { MapRoom } from "./map-room.ts";
import { ProcessFilter } from "./process-filter.ts";
import { RingReader } from "./ring-reader.ts";
import { SamplingSwitch } from "./sampling-switch.ts";
import { SpareDescriptors } from "./spare-descriptors.ts";
import { StormWatch } from "./storm-watch.ts";
import { TableUpkeep } from "./table-upkeep.ts";
import { TotalsReports } from "./totals-reports.ts";
import { WatchedProcesses } from "./watched-processes.ts";

const DEFAULT_SUMMARY_MS = 10_000;

const EVENT_TYPES = { fork: EVENT_FORK, exec: EVENT_EXEC, exit: EVENT_EXIT } as const;

/**
 * Share of the watermark. After a signal, linnix drains the rings only if a ring contains more than this. The kernel
 * sends a signal each time it has written as many bytes as the watermark, even if linnix has read most of them since.
 * Soon after a flush there is no hurry, and a drain costs as much as a hundred events, because the caches are cold. By
 * default the watermark is half of a ring, so the next signal comes before five eighths of the ring are full.
 */
const SIGNAL_SHARE = 1 / 4;

/** The parts of a collector, connected to each other. Nothing is attached yet. */
export class CollectorParts implements Disposable {
  readonly table: ProcessTable;
  readonly feed: KernelFeed;
  readonly reader: RingReader;
  readonly counters: RunCounters;
  readonly completeness: Completeness;
  readonly filter: ProcessFilter;
  readonly mapRoom: MapRoom;
  readonly sampling: SamplingSwitch;
  readonly totals: TotalsReports;
  readonly levels: LevelControl;
  readonly upkeep: TableUpkeep;
  readonly storms: StormWatch;
  /** Figures by unit and container; undefined if they are off. */
  readonly groups: GroupReports | undefined;
  readonly #view: EventView;
  #identity: PlaceOfEvent | undefined;

  /**
   * Loads the kernel side.
   * @throws LinnixError: exit code 3 if linnix cannot run on this machine, 2 if a watched process does not exist
   */
  constructor(given: CollectorOptions, events: CollectorEvents, conditions: Conditions) {
    const watched = new WatchedProcesses(given.filters.pids, conditions);
    const options = { ...given, filters: { ...given.filters, pids: watched.pids } };
    const isFiltered = holdsBackExits(options);
    if (given.groups) options.addsAll = true;
    this.table = new ProcessTable({ lingerNs: options.lingerMs * 1e6 });
    const { table } = this;
    const descriptors = new SpareDescriptors();
    const clock = new WallClock(realtimeOffsetNs());
    this.#view = new EventView(table, clock);
    // libbpf is about to take 12 MB for a short time. So this first releases memory that the runtime needed for its own
    // start.
    dropCleanFilePages();
    giveLargeBlocksBack();
    this.feed = new KernelFeed(options);
    const { backend } = this.feed;
    this.mapRoom = new MapRoom(backend, conditions);
    try {
      const { filters } = options;
      this.filter = new ProcessFilter({ filters, table, watched, backend, mapRoom: this.mapRoom });
    } catch (error) {
      this.feed.close();
      throw error;
    }
    this.upkeep = new TableUpkeep({
      backend,
      table,
      filter: this.filter,
      descriptors,
      maxArgsBytes: options.maxArgsBytes,
      isFiltered,
      reconcile: options.reconcile,
      drain: () => {
        this.reader.drain();
        return !this.reader.isHeldUp;
      },
    });
    const { refresh } = this.upkeep;
    this.sampling = new SamplingSwitch({
      rssThresholdBytes: options.rssThresholdBytes,
      view: this.#view,
      filter: this.filter.samples,
      totals: {
        note: (view) => this.totals.note(view),
        reportsSample: (view) => this.totals.reportsSample(view),
      },
      descriptors,
      drain: () => this.reader.take(),
      sample: (view) => this.reader.giveSample(view),
      noRoom: (processes) => reportSamplerRoom(processes, conditions),
    });
    const feed = new TotalsFeed(new TotalsBuffers(() => backend.totalsMemory, backend.totalsPlaces, backend.detail));
    this.totals = new TotalsReports({
      backend,
      feed,
      table,
      intervalMs: options.summaryIntervalMs ?? DEFAULT_SUMMARY_MS,
      scan: () => refresh.scan(),
      isSampling: () => this.sampling.source !== null,
      wants: (slot) => this.filter.passes(slot),
      take: (lines) => events.totals?.(lines),
    });
    this.levels = new LevelControl({
      backend,
      table,
      totals: this.totals,
      refresh,
      holdsBackExits: isFiltered,
      take: () => this.reader.take(),
    });
    this.storms = new StormWatch({
      backend,
      table,
      levels: this.levels,
      refresh,
      ringBytes: options.ringBytes,
      cgroupPath: (cgroupId) => this.#identity?.ofCgroupId?.(cgroupId)?.cgroup ?? null,
      checkImages: () => this.upkeep.checkImages(),
      take: (event) => events.notice?.(event),
    });
    if (options.stormsFollowRings) this.storms.setRate(backend.stormLimit.rate, true);
    if (options.groups) {
      this.groups = new GroupReports({
        settings: options.groups,
        backend,
        feed,
        table,
        descriptors,
        isFiltered,
        placeOf: (cgroupId) => this.#identity?.ofCgroupId?.(cgroupId),
        wants: (slot) => this.filter.passes(slot),
        isSampling: () => this.sampling.source !== null,
        refresh: () => this.upkeep.bringUpToDate(),
      });
    }
    this.completeness = new Completeness(() => backend.createdTasks(), conditions);
    this.counters = new RunCounters(this.feed, this.sampling, this.totals, this.completeness);
    this.reader = new RingReader({
      feed: this.feed,
      view: this.#view,
      clock,
      counters: this.counters,
      filter: this.filter,
      events,
      conditions,
      types: options.events.map((type) => EVENT_TYPES[type]),
      signalBytes: options.watermarkBytes * SIGNAL_SHARE,
      ...(this.groups && { ended: (view) => this.groups?.groups.ended(view) }),
    });
  }

  /** Finds the cgroup, container and unit of an event's process; undefined: events have none of these. */
  set identity(identity: PlaceOfEvent | undefined) {
    this.#identity = identity;
    this.#view.identity = identity;
    this.totals.identity = identity;
  }

  [Symbol.dispose](): void {
    this.reader.close();
    this.sampling[Symbol.dispose]();
    this.groups?.[Symbol.dispose]();
    this.filter[Symbol.dispose]();
    this.upkeep[Symbol.dispose]();
    this.feed.close();
  }
}

function reportSamplerRoom(withoutRoom: number, conditions: Conditions): void {
  // The message contains no number, because each new message is logged.
  if (withoutRoom > 0) conditions.set("sampler_full", CONDITIONS.sampler_full);
  else conditions.clear("sampler_full", "the sampler has room for all processes again");
}
