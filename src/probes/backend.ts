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
  /** The initial level of detail of all processes; by default `events`. */
  detail?: DetailLevel;
  /**
   * Maximum number of groups that the kernel side adds up in an interval, a power of two; by default `TOTALS_PLACES`.
   */
  totalsPlaces?: number;
  /**
   * Whether the kernel side adds up processes of all levels. The BTF backend then also adds the CPU time that processes
   * use after their exit was counted.
   */
  addsAll?: boolean;
  /** Number of processes that the maps have room for at a time; by default as `processMapSizes` computes it. */
  maxProcesses?: number;
  /**
   * Number of images that the kernel side can store at the level `processes`; by default as the function `imageRoom`.
   */
  imageRoom?: ImageRoom;
  /**
   * If a source has more events per second, the kernel side counts them instead of sending them; 0 or absent: no limit.
   */
  stormRate?: number;
  /** Maximum number of threads of a process whose figures are added up at its exit; by default `MAX_EXIT_THREADS`. */
  maxExitThreads?: number;
}

/** Number of processes that a map had no room for so far, by the purpose of the map. */
export interface NoRoom {
  /** Processes of `--pid` and their descendants. */
  trackedPids: number;
  /** Processes whose last exec was not reported. */
  missedExecs: number;
  /** Processes with several threads, only of the tracepoint backend. */
  threadGroups: number;
  /** Images of processes that are reported only at their end. */
  images: number;
}

/** The differences between the backends. */
export interface BackendKind {
  name: BackendName;
  /** The object: `bpf/<object>.bpf.c`. */
  object: "process" | "tracepoint";
  /** Whether its program at cgroup_mkdir can read the ancestors of a cgroup. */
  knowsAncestors: boolean;
  /**
   * Sets the knobs and sizes that only this backend has. Call it before the object is loaded.
   * @param followsCgroup whether `follow_cgroup` will be loaded
   * @returns names of the maps that only this backend has, and that may have an entry for each process
   */
  prepare(object: BpfObject, knobs: DataView, options: ProbeOptions, followsCgroup: boolean): string[];
  /**
   * Attaches `follow_cgroup` if it is loaded, and then the programs for fork, exec and exit.
   * @param noRoom is called for each process that already has several threads, if the map has no room for it
   */
  attach(object: BpfObject, followsCgroup: boolean, noRoom?: () => void): BpfLink[];
  /** The program that is also attached if the kernel side adds up processes of all levels. */
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
 * Whether `--events` or a filter can drop the exit of a process that is in the process table. Initially the table has
 * all processes, whether they pass the filters or not.
 */
export function holdsBackExits({ events, filters }: Pick<ProbeOptions, "events" | "filters">): boolean {
  const { pids, uids, comms, cgroup, minDurationNs } = filters;
  const lists = [pids, uids, comms];
  return !events.includes("exit") || minDurationNs > 0 || cgroup !== null || lists.some(({ length }) => length > 0);
}

/**
 * Default maximum of groups that the kernel side adds up in an interval. Each of the two buffers takes 312 bytes per
 * group.
 */
export const TOTALS_PLACES = 1024;

/** Number of elements of the map `totals` for that number of groups in each of the two buffers: see bpf/totals.h. */
function totalsElements(places: number): number {
  return 2 * (places + TOTALS_REST);
}

/** Classic tracepoints do not report arguments. */
function maxArgsBytesOf({ name }: BackendKind, { maxArgsBytes }: ProbeOptions): number {
  return name === "btf" ? maxArgsBytes : 0;
}

/** The part of an event that determines the level of detail of its process. */
interface EventFacts {
  record: Record;
  startKnown: boolean;
}

/** Access to the kernel side's data about storms. */
interface Storms {
  limit: StormLimit;
  places: StormPlaces;
  births: StormBirths;
  memory: readonly MappedArray[];
}

/**
 * Size of the map `missed_execs` if no filter drops execs. Every exit removes its process from the map, even if the
 * exit record is lost. So this is a limit for processes that live at the same time.
 */
const MAX_LOST_EXECS = 4096;

/**
 * The kernel side. The constructor loads it, `attach` attaches it, and `close` unloads it. The kernel also unloads it
 * when this process ends for any reason.
 */
export class Backend implements Disposable {
  readonly name: BackendName;
  /** Event fields that this backend cannot report on this kernel. */
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
  /** How many images the kernel side can store at the level `processes`; `bytes`: maximum memory for them. */
  readonly images: ImageRoom & { bytes: number };
  #clocks: SchedulerClocks | undefined;
  #detailMemory: MappedArray | undefined;
  #storms: Storms | undefined;
  #detail: DetailSwitch | undefined;
  /** Processes of `--pid` for which user space found no room in the map. */
  #untracked = 0;
  /** Processes with several threads for which user space found no room in the map. */
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

  /** The spare ring, for CPUs that have no ring of their own. */
  get spareEventsMap(): BpfMap {
    return this.#object.map("spare_events");
  }

  /** The counts of the kernel side so far. Reading them makes no system call. */
  counts(): KernelCounts {
    if (!this.#counters) throw new Error("the backend is closed");
    return this.#counters.read();
  }

  /**
   * Runs that the kernel skipped so far and that were not retried, by type; see {@link skippedRuns}. Makes one system
   * call per program.
   */
  skipped(): CountByType {
    return skippedRuns(this.#object, this.counts().retried);
  }

  /** Number of processes and threads created so far, including those for which the kernel skipped the programs. */
  createdTasks(): number {
    const { seen, threads } = this.counts();
    return seen.fork + threads.started + this.skipped().fork;
  }

  /** The losses so far of each CPU that has any. Reading them makes no system call. */
  lostByCpu(): CpuLosses[] {
    return this.#counters?.lostByCpu() ?? [];
  }

  /** Number of processes that a map had no room for so far. Reading it makes no system call. */
  noRoom(): NoRoom {
    const ofKernel = (map: number) => this.#counters?.noRoom(map) ?? 0;
    return {
      trackedPids: ofKernel(MAP_TRACKED_PIDS) + this.#untracked,
      missedExecs: ofKernel(MAP_MISSED_EXECS),
      threadGroups: ofKernel(MAP_THREAD_GROUPS) + this.#unenteredGroups,
      images: ofKernel(MAP_IMAGES),
    };
  }

  /** The level of detail of the process of an event; the current level if the start of the process is not known. */
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

  /** Number of places for groups in each of the two buffers. */
  get totalsPlaces(): number {
    return this.#totalsPlaces;
  }

  /** Whether the kernel side adds up processes of all levels. */
  get addsAll(): boolean {
    return this.#addsAll;
  }

  /** Undefined if this backend does not know the CPU time of processes. */
  get clocks(): SchedulerClocks | undefined {
    return this.#clocks;
  }

  /** The level of detail; a switch makes no system call. */
  get detail(): DetailSwitch {
    if (!this.#detail) throw new Error("the backend is closed");
    return this.#detail;
  }

  /** The rate limit of sources; a change makes no system call. */
  get stormLimit(): StormLimit {
    return this.#openStorms.limit;
  }

  /** The storms, whose events the kernel side counts instead of sending them. */
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

  /** Begins to count the steps of CPUs on their way offline and online. Call it before rings are opened. */
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

  /** No program starts after this, but a program that is already running continues to its end. */
  detach(): void {
    for (const link of this.#links.splice(0).reverse()) link.close();
  }

  /** Undefined without `--cgroup`. */
  get watchedCgroup(): WatchedCgroup | undefined {
    return this.#watchedCgroup;
  }

  // Values that change while the programs are attached are in maps. All others are knobs, which are set before load.

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

  /** Stops `--pid` from following that process. */
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
    // libbpf would use the number of CPUs, which is too small if their numbers have gaps.
    object.setMaxEntries("events", cpus);
    // Maps of filters that are off get one entry, to save kernel memory.
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
    log.debug(`BPF object ${object.name}: loaded by ${object.loadedBy === "program" ? "a loader program" : "libbpf"}`);
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

  /** @param limits memory of struct detail, which contains the limits */
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
  // These errors do not depend on what the kernel supports.
  if (refusal === "EMFILE" || refusal === "EAGAIN") return hintOf(cause) ?? "";
  if (!existsSync(POSSIBLE_CPUS)) return "mount /sys: mount -t sysfs sysfs /sys";
  if (backend === "btf" && !existsSync(KERNEL_BTF)) return "this kernel has no BTF: use --backend tracepoint";
  // A locked-down kernel refuses the helpers that read its memory, but its message does not mention the lockdown.
  if (isLockedForConfidentiality()) {
    return "this kernel is locked down for confidentiality: boot it with lockdown=integrity, or without lockdown";
  }
  if (message.includes("unknown func bpf_get_current_ancestor_cgroup_id")) {
    return "this kernel's tracepoints cannot filter by --cgroup: leave it out, or use --backend btf if there is BTF";
  }
  return hintOf(cause) ?? "linnix doctor checks what this machine supports";
}

/** Resolves `auto`: the BTF backend if the kernel has BTF, otherwise the tracepoint backend. */
export function chooseBackend(choice: BackendChoice, hasBtf = existsSync(KERNEL_BTF)): BackendName {
  if (choice !== "auto") return choice;
  return hasBtf ? "btf" : "tracepoint";
}

/** Offset of the timestamp in a record. Records are ordered by it. */
export const TIMESTAMP_OFFSET = PROCESS_EVENT.ts_ns;
