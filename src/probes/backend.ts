import { existsSync } from "node:fs";
import { release } from "node:os";
import { BpfLink } from "../bpf/bpf-link.ts";
import { BpfLoadError } from "../bpf/bpf-load-error.ts";
import { type BpfMap, deleteFromMap, isFull, MappedArray, updateMap } from "../bpf/bpf-map.ts";
import { BpfObject, KERNEL_BTF } from "../bpf/bpf-object.ts";
import { bpfObject } from "../bpf/embedded.ts";
import { type ResolvedCgroup, resolveCgroup } from "../cgroup/cgroup.ts";
import { log } from "../config/log.ts";
import type { FiltersSettings } from "../config/sections/filters.ts";
import type { BackendChoice, EventType } from "../config/sections/probes.ts";
import { cannotRunError, LinnixError } from "../errors.ts";
import { exactBoottimeNs } from "../sys/clock.ts";
import { cpuPlaces, POSSIBLE_CPUS, possibleCpus } from "../sys/cpus.ts";
import { errnoName, NativeError } from "../sys/errno.ts";
import { pageBytes } from "../sys/page-size.ts";
import { hintOf, refusalCode } from "../sys/refusal.ts";
import type { CgroupRef } from "../wire/cgroup-ref.ts";
import type { DetailLevel } from "../wire/detail-level.ts";
import type { CountByType } from "../wire/event.ts";
import {
  COMM_LEN,
  CPU_COUNTERS,
  DETAIL,
  ENDED_TASKS,
  EVENT_EXEC,
  EVENT_EXIT,
  EVENT_FORK,
  KNOBS,
  MAP_IMAGES,
  MAP_MISSED_EXECS,
  MAP_THREAD_GROUPS,
  MAP_TRACKED_PIDS,
  PROCESS_EVENT,
  STORM,
  STORM_BIRTHS,
  STORM_PLACES,
  TOTALS,
  TOTALS_REST,
} from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import type { BackendName } from "./backend-name.ts";
import { type CpuLosses, KernelCounters, type KernelCounts } from "./counters.ts";
import { DetailSwitch } from "./detail-switch.ts";
import { type ImageRoom, imageBytes, imageRoom, sizeImageMaps } from "./images.ts";
import { isLockedForConfidentiality } from "./lockdown.ts";
import { MissedExecs } from "./missed-execs.ts";
import { missingFields } from "./missing-fields.ts";
import { privilegeHint } from "./privilege-hint.ts";
import { readProcessLimits, sizeProcessMaps } from "./process-maps.ts";
import { SchedulerClocks } from "./scheduler-clocks.ts";
import { skippedRuns, skipsPreempted } from "./skipped-runs.ts";
import { StormBirths } from "./storm-births.ts";
import { StormLimit } from "./storm-limit.ts";
import { StormPlaces } from "./storm-places.ts";
import { isFollowed, WatchedCgroup } from "./watched-cgroup.ts";

export interface ProbeOptions {
  events: readonly EventType[];
  /** Maximum number of bytes of executable path and arguments in one exec record. */
  maxArgsBytes: number;
  filters: FiltersSettings;
  /** The level of detail of all processes at first; if left out: events. */
  detail?: DetailLevel;
  /** Groups that the kernel side adds up in an interval, a power of two; left out: `TOTALS_PLACES`. */
  totalsPlaces?: number;
  /** Whether processes of all levels are added up, with what they use after their end was counted. */
  addsAll?: boolean;
  /** Processes that the kernel's maps have room for at a time; left out: as many as this machine can have. */
  maxProcesses?: number;
  /** Images that the kernel side keeps at the level `processes`; left out: as `imageRoom` says. */
  imageRoom?: ImageRoom;
  /** The events of a source with more events a second are counted instead of sent; left out or 0: no limit. */
  stormRate?: number;
  /** Threads of one process whose figures are added at its end, after the first few; left out: `MAX_EXIT_THREADS`. */
  maxExitThreads?: number;
}

/** Processes that a map had no room for so far, by what the map is for. */
export interface NoRoom {
  /** Processes that descend from those of `--pid`. */
  trackedPids: number;
  /** Processes whose last exec was not reported. */
  missedExecs: number;
  /** The tracepoint backend's processes of several threads. */
  threadGroups: number;
  /** Images of processes that are reported at their end only. */
  images: number;
}

/** What differs between the backends. */
export interface BackendKind {
  name: BackendName;
  /** The object: `bpf/<object>.bpf.c`. */
  object: "process" | "tracepoint";
  /** Whether its program at cgroup_mkdir knows what a cgroup descends from. */
  knowsAncestors: boolean;
  /**
   * Sets the knobs and sizes that only this backend has; before load.
   * @param followsCgroup whether `follow_cgroup` is loaded
   * @returns maps of its own that may have an entry for each process
   */
  prepare(object: BpfObject, knobs: DataView, options: ProbeOptions, followsCgroup: boolean): string[];
  /**
   * Attaches fork, exec and exit; and first `follow_cgroup` if that is loaded.
   * @param noRoom is called if there is no room for processes that have several threads already
   */
  attach(object: BpfObject, followsCgroup: boolean, noRoom?: () => void): BpfLink[];
  /** Attached as well where processes of all levels are added up. */
  readonly addsAllBy?: string;
  close(): void;
}

const TYPE_NUMBER = { fork: EVENT_FORK, exec: EVENT_EXEC, exit: EVENT_EXIT } as const;

/**
 * The types that the programs must send so that events of the given types are complete. An exit event contains the last
 * executed program, which an exec or the fork of the process may have set.
 */
export function sentTypes(events: readonly EventType[]): EventType[] {
  const sent = new Set(events);
  if (sent.has("exit")) sent.add("fork").add("exec");
  return [...sent];
}

/**
 * Whether `--events` or a filter can hold back the exit of a process that is in the process table. At the start the table
 * has all processes.
 */
export function holdsBackExits({ events, filters }: Pick<ProbeOptions, "events" | "filters">): boolean {
  const { pids, uids, comms, cgroup, minDurationNs } = filters;
  const lists = [pids, uids, comms];
  return !events.includes("exit") || minDurationNs > 0 || cgroup !== null || lists.some(({ length }) => length > 0);
}

/** Groups that the kernel side adds up in an interval; the two buffers for them take 300 bytes each a group. */
export const TOTALS_PLACES = 1024;

/** Elements of the map `totals` for that number of groups in each of both buffers: see bpf/totals.h. */
function totalsElements(places: number): number {
  return 2 * (places + TOTALS_REST);
}

/** Classic tracepoints give no arguments. */
function maxArgsBytesOf({ name }: BackendKind, { maxArgsBytes }: ProbeOptions): number {
  return name === "btf" ? maxArgsBytes : 0;
}

/** What an event says about its process's start. */
interface EventFacts {
  record: Record;
  startKnown: boolean;
}

/** What the kernel side has of storms. */
interface Storms {
  limit: StormLimit;
  places: StormPlaces;
  births: StormBirths;
  memory: readonly MappedArray[];
}

/**
 * Every exit removes its process from the map, even if the exit record is lost. So this is a limit for processes that
 * live at the same time.
 */
const MAX_LOST_EXECS = 4096;

/**
 * The kernel half: loaded by the constructor, attached by `attach`, gone after
 * `close`, or when this process ends in whatever way.
 */
export class Backend implements Disposable {
  readonly name: BackendName;
  /** Event fields that it cannot give on this kernel. */
  readonly missingFields: readonly string[];
  readonly #kind: BackendKind;
  readonly #object: BpfObject;
  readonly #filters: FiltersSettings;
  #links: BpfLink[] = [];
  #followsCgroup = false;
  #addsAll = false;
  #watchedCgroup: WatchedCgroup | undefined;
  #hotplugLink: BpfLink | undefined;
  #countersMemory: MappedArray | undefined;
  #counters: KernelCounters | undefined;
  #totalsMemory: MappedArray | undefined;
  #totalsPlaces = 0;
  /** What the kernel side keeps at the level `processes`. */
  readonly images: ImageRoom & { bytes: number };
  #clocks: SchedulerClocks | undefined;
  #detailMemory: MappedArray | undefined;
  #storms: Storms | undefined;
  #detail: DetailSwitch | undefined;
  /** What user space found no room for. */
  #untracked = 0;
  #unenteredGroups = 0;

  /** @throws LinnixError (exit code 3) */
  constructor(kind: BackendKind, options: ProbeOptions) {
    this.#kind = kind;
    this.name = kind.name;
    this.missingFields = missingFields(kind.name, existsSync);
    const room = options.imageRoom ?? imageRoom(release());
    this.images = { ...room, bytes: imageBytes(room, maxArgsBytesOf(kind, options)) };
    this.#filters = options.filters;
    try {
      this.#object = BpfObject.open(kind.object, bpfObject(kind.object));
    } catch (cause) {
      kind.close();
      throw loadError(kind.name, cause);
    }
    try {
      this.#load(options);
    } catch (cause) {
      this.close();
      throw loadError(kind.name, cause);
    }
  }

  get eventsMapFd(): number {
    return this.#object.mapFd("events");
  }

  /** The ring of CPUs that have none. */
  get spareEventsMap(): BpfMap {
    return this.#object.map("spare_events");
  }

  /** The kernel's counts so far: no system call. */
  counts(): KernelCounts {
    if (!this.#counters) throw new Error("the backend is closed");
    return this.#counters.read();
  }

  /**
   * Runs that the kernel skipped so far and that were not retried, by type; see {@link skippedRuns}. One system call a
   * program.
   */
  skipped(): CountByType {
    return skippedRuns(this.#object, this.counts().retried);
  }

  /** Processes and threads that were created so far, those for which the kernel skipped the programs among them. */
  createdTasks(): number {
    const { seen, threads } = this.counts();
    return seen.fork + threads.started + this.skipped().fork;
  }

  /** The losses so far of the CPUs that have any: no system call. */
  lostByCpu(): CpuLosses[] {
    return this.#counters?.lostByCpu() ?? [];
  }

  /** Processes that a map had no room for so far: no system call. */
  noRoom(): NoRoom {
    const ofKernel = (map: number) => this.#counters?.noRoom(map) ?? 0;
    return {
      trackedPids: ofKernel(MAP_TRACKED_PIDS) + this.#untracked,
      missedExecs: ofKernel(MAP_MISSED_EXECS),
      threadGroups: ofKernel(MAP_THREAD_GROUPS) + this.#unenteredGroups,
      images: ofKernel(MAP_IMAGES),
    };
  }

  /** The level of detail of the process that an event reports; the present level if the start of the process is not known. */
  levelOf({ record, startKnown }: Pick<EventFacts, "record" | "startKnown">): DetailLevel {
    const { detail } = this;
    return startKnown && detail.isSwitched ? detail.levelOf(record.big(PROCESS_EVENT.start_ns)) : detail.level;
  }

  /**
   * The two buffers in which the kernel side adds up. They are mapped at the first use, so levels without totals do not
   * map them.
   */
  get totalsMemory(): ArrayBuffer {
    if (!this.#counters) throw new Error("the backend is closed");
    const length = totalsElements(this.#totalsPlaces) * TOTALS.size;
    this.#totalsMemory ??= new MappedArray(this.#object.mapFd("totals"), length, true);
    return this.#totalsMemory.bytes;
  }

  /** Places for groups in each of both buffers. */
  get totalsPlaces(): number {
    return this.#totalsPlaces;
  }

  /** Whether processes of all levels are added up. */
  get addsAll(): boolean {
    return this.#addsAll;
  }

  /** Undefined: this backend does not know what processes used. */
  get clocks(): SchedulerClocks | undefined {
    return this.#clocks;
  }

  /** The level of detail; a switch makes no system call. */
  get detail(): DetailSwitch {
    if (!this.#detail) throw new Error("the backend is closed");
    return this.#detail;
  }

  /** The limit of sources; a change makes no system call. */
  get stormLimit(): StormLimit {
    return this.#openStorms.limit;
  }

  /** What is counted instead of sent. */
  get stormPlaces(): StormPlaces {
    return this.#openStorms.places;
  }

  get #openStorms(): Storms {
    if (!this.#storms) throw new Error("the backend is closed");
    return this.#storms;
  }

  lossStamp(): number {
    return this.#counters?.lossStamp() ?? 0;
  }

  noRingStamp(cpu: number): number {
    return this.#counters?.noRingStamp(cpu) ?? 0;
  }

  /** See {@link KernelCounters.hotplugStamp}; does not change before `watchHotplug`. */
  hotplugStamp(cpu: number): number {
    return this.#counters?.hotplugStamp(cpu) ?? 0;
  }

  /** Begins to count what CPUs do on their way offline and online. To be called before rings are opened. */
  watchHotplug(): void {
    try {
      this.#hotplugLink = BpfLink.attachRawTracepoint(this.#object, "handle_hotplug", "cpuhp_enter");
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      // A dead ring is then found by its first losses.
      log.debug(`CPUs that go offline are not watched: ${error.message}`);
    }
  }

  /** The kernel side's list of processes whose exec it could not emit. Empty after `close`. */
  missedExecs(): MissedExecs {
    const skips = this.#kind.object === "process" && skipsPreempted(release());
    return new MissedExecs(this.#object.mapFd("missed_execs"), {
      counts: () => this.counts(),
      skipped: () => (skips ? this.skipped().exec : 0),
      suppressed: this.#openStorms.births,
    });
  }

  attach(): void {
    try {
      this.#links = this.#kind.attach(this.#object, this.#followsCgroup, () => {
        this.#setFull(MAP_THREAD_GROUPS);
        this.#unenteredGroups++;
      });
      const { addsAllBy } = this.#kind;
      if (addsAllBy && this.#addsAll) this.#links.push(BpfLink.attach(this.#object, addsAllBy));
    } catch (cause) {
      throw loadError(this.name, cause);
    }
  }

  /** No program starts after this; one that runs may still end. */
  detach(): void {
    for (const link of this.#links.splice(0).reverse()) link.close();
  }

  /** Undefined: without `--cgroup`. */
  get watchedCgroup(): WatchedCgroup | undefined {
    return this.#watchedCgroup;
  }

  // What changes while the programs are attached is a value in a map; everything else is a knob, set before load.

  /** Lets `--pid` follow one more process. */
  trackPid(pid: number): void {
    try {
      updateMap(this.#object.mapFd("tracked_pids"), Uint32Array.of(pid), Uint8Array.of(1));
    } catch (error) {
      if (!isFull(error)) throw error;
      this.#setFull(MAP_TRACKED_PIDS);
      this.#untracked++;
    }
  }

  #setFull(map: number): void {
    updateMap(this.#object.mapFd("full_maps"), Uint32Array.of(map), Uint32Array.of(1));
  }

  /** `--pid` follows that process no more. */
  untrackPid(pid: number): void {
    deleteFromMap(this.#object.mapFd("tracked_pids"), Uint32Array.of(pid));
  }

  close(): void {
    this.detach();
    this.#hotplugLink?.close();
    this.#counters = undefined;
    this.#countersMemory?.close();
    this.#detail = undefined;
    this.#totalsMemory?.close();
    this.#totalsMemory = undefined;
    this.#clocks?.[Symbol.dispose]();
    this.#clocks = undefined;
    this.#detailMemory?.close();
    for (const memory of this.#storms?.memory ?? []) memory.close();
    this.#storms = undefined;
    this.#watchedCgroup?.close();
    this.#watchedCgroup = undefined;
    this.#object.close();
    this.#kind.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #load(options: ProbeOptions): void {
    const object = this.#object;
    const { filters } = options;
    const data = object.readOnlyData;
    if (data.length < KNOBS.size) throw new Error("the BPF object and the generated layout do not match");
    const knobs = new DataView(data.buffer, data.byteOffset, data.length);
    const little = true;
    const mask = sentTypes(options.events).reduce((bits, type) => bits | (1 << TYPE_NUMBER[type]), 0);
    knobs.setUint32(KNOBS.event_mask, mask, little);
    const maxArgsBytes = maxArgsBytesOf(this.#kind, options);
    knobs.setUint32(KNOBS.max_args_bytes, maxArgsBytes, little);
    knobs.setBigUint64(KNOBS.min_duration_ns, BigInt(filters.minDurationNs), little);
    knobs.setUint32(KNOBS.page_size, pageBytes(), little);
    knobs.setUint8(KNOBS.filter_pid, filters.pids.length > 0 ? 1 : 0);
    knobs.setUint8(KNOBS.filter_uid, filters.uids.length > 0 ? 1 : 0);
    knobs.setUint8(KNOBS.filter_comm, filters.comms.length > 0 ? 1 : 0);
    const watched = filters.cgroup ? this.#prepareCgroup(filters.cgroup, knobs) : undefined;
    if (!this.#followsCgroup) object.leaveOut("follow_cgroup");
    if (options.maxExitThreads !== undefined) {
      knobs.setUint32(KNOBS.max_exit_threads, options.maxExitThreads, little);
    }
    const cpus = cpuPlaces();
    object.setMaxEntries("counters", cpus);
    this.#totalsPlaces = options.totalsPlaces ?? TOTALS_PLACES;
    knobs.setUint32(KNOBS.totals_places, this.#totalsPlaces, little);
    object.setMaxEntries("totals", totalsElements(this.#totalsPlaces));
    if (this.name === "btf") object.setMaxEntries("clocks", cpus);
    const { addsAllBy } = this.#kind;
    this.#addsAll = options.addsAll ?? false;
    if (addsAllBy && this.#addsAll) object.setMaxEntries("ended_tasks", ENDED_TASKS);
    else if (addsAllBy) object.leaveOut(addsAllBy);
    const processMaps: string[] = [];
    // libbpf would count the CPUs, whose numbers may have gaps.
    object.setMaxEntries("events", cpus);
    // Maps of filters that are off need not take the kernel's memory.
    if (filters.pids.length > 0) processMaps.push("tracked_pids");
    else object.setMaxEntries("tracked_pids", 1);
    if (filters.uids.length === 0) object.setMaxEntries("wanted_uids", 1);
    if (filters.comms.length === 0) object.setMaxEntries("wanted_comms", 1);
    // Without a filter that drops execs, the list has only the execs for which the ring had no room.
    const holdsBack = filters.uids.length > 0 || filters.comms.length > 0 || filters.cgroup !== null;
    if (holdsBack) processMaps.push("missed_execs");
    else object.setMaxEntries("missed_execs", Math.min(MAX_LOST_EXECS, options.maxProcesses ?? MAX_LOST_EXECS));
    processMaps.push(...this.#kind.prepare(object, knobs, options, this.#followsCgroup));
    sizeProcessMaps(object, processMaps, readProcessLimits(release()), options.maxProcesses);
    sizeImageMaps(object, this.images, maxArgsBytes);
    object.load();
    if (filters.cgroup && watched) {
      this.#watchedCgroup = new WatchedCgroup(filters.cgroup, watched, object.mapFd("watched_cgroup"));
    }
    log.debug(`BPF object ${object.name}: loaded by ${object.loadedBy === "program" ? "a program" : "libbpf"}`);
    for (const pid of filters.pids) this.trackPid(pid);
    for (const uid of filters.uids) updateMap(object.mapFd("wanted_uids"), Uint32Array.of(uid), Uint8Array.of(1));
    for (const comm of filters.comms) {
      const key = new Uint8Array(COMM_LEN);
      key.set(new TextEncoder().encode(comm).subarray(0, COMM_LEN - 1));
      updateMap(object.mapFd("wanted_comms"), key, Uint8Array.of(1));
    }
    this.#countersMemory = new MappedArray(object.mapFd("counters"), cpus * CPU_COUNTERS.size);
    this.#counters = new KernelCounters(this.#countersMemory.bytes);
    const detailMemory = new MappedArray(object.mapFd(".data.detail"), DETAIL.size, true);
    this.#detailMemory = detailMemory;
    this.#detail = new DetailSwitch(detailMemory.bytes, exactBoottimeNs);
    if (this.name === "btf") this.#clocks = new SchedulerClocks(object, cpus, possibleCpus());
    this.#detail.begin(options.detail ?? "events");
    if (this.#addsAll) this.#detail.addsAll = true;
    this.#storms = this.#mapStorms(this.#detail, detailMemory.bytes);
    this.#storms.limit.rate = options.stormRate ?? 0;
  }

  /** @param limits struct detail, with the limits in it */
  #mapStorms(detail: DetailSwitch, limits: ArrayBuffer): Storms {
    const map = (name: string, bytes: number) => new MappedArray(this.#object.mapFd(name), bytes, true);
    const places = map("storms", STORM_PLACES * STORM.size);
    const births = map("storm_births", STORM_BIRTHS * 8);
    return {
      limit: new StormLimit(limits, possibleCpus().length, detail),
      places: new StormPlaces(places.bytes),
      births: new StormBirths(births.bytes, limits),
      memory: [places, births],
    };
  }

  #prepareCgroup(ref: CgroupRef, knobs: DataView): ResolvedCgroup {
    const resolved = resolveCgroup(ref);
    this.#followsCgroup = isFollowed(ref, resolved, this.#kind.knowsAncestors);
    knobs.setUint8(KNOBS.filter_cgroup, 1);
    knobs.setUint32(KNOBS.cgroup_level, resolved.level, true);
    knobs.setBigUint64(KNOBS.cgroup_base_id, resolved.base.id, true);
    knobs.setUint32(KNOBS.cgroup_base_level, resolved.base.level, true);
    return resolved;
  }

  get filtersPids(): readonly number[] {
    return this.#filters.pids;
  }
}

function loadError(backend: BackendName, cause: unknown): unknown {
  if (cause instanceof LinnixError) return cause;
  const refusal = cause instanceof BpfLoadError ? errnoName(cause.errno) : refusalCode(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = refusal === "EPERM" || refusal === "EACCES" ? "privilege" : "load";
  const what = `the ${backend} backend cannot be loaded`;
  if (cause instanceof BpfLoadError && cause.verifierLog !== "") log.debug(cause.verifierLog.trimEnd());
  return cannotRunError(code, { what, why: message, hint: loadHint(backend, cause, refusal, message) }, { cause });
}

function loadHint(backend: BackendName, cause: unknown, refusal: string | null, message: string): string {
  const privilege = refusal === "EPERM" ? privilegeHint() : null;
  if (privilege !== null) return privilege;
  // The same on any kernel, whatever else it lacks.
  if (refusal === "EMFILE" || refusal === "EAGAIN") return hintOf(cause) ?? "";
  if (!existsSync(POSSIBLE_CPUS)) return "mount /sys: mount -t sysfs sysfs /sys";
  if (backend === "btf" && !existsSync(KERNEL_BTF)) return "this kernel has no BTF: use --backend tracepoint";
  // The kernel takes the helpers away that read its memory, and its message speaks of no lockdown.
  if (isLockedForConfidentiality()) {
    return "this kernel is locked down for confidentiality: boot it with lockdown=integrity, or without lockdown";
  }
  if (message.includes("unknown func bpf_get_current_ancestor_cgroup_id")) {
    return "this kernel's tracepoints cannot filter by --cgroup: leave it out, or use --backend btf where there is BTF";
  }
  return hintOf(cause) ?? "linnix doctor checks what this machine supports";
}

/** The choice behind `auto`: The BTF backend if the kernel has BTF. */
export function chooseBackend(choice: BackendChoice, hasBtf = existsSync(KERNEL_BTF)): BackendName {
  if (choice !== "auto") return choice;
  return hasBtf ? "btf" : "tracepoint";
}

/** Offset by which the records are ordered. */
export const TIMESTAMP_OFFSET = PROCESS_EVENT.ts_ns;
