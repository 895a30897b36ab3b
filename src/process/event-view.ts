import type { KnownPlace } from "../cgroup/place.ts";
import type { WallClock } from "../json/wall-clock.ts";
import {
  COMM_LEN,
  EVENT_EXEC,
  EVENT_FORK,
  EVENT_PAGE_FAULT,
  EVENT_PROCESS,
  EVENT_SAMPLE,
  EXEC_EVENT,
  EXIT_EVENT,
  FAULT_WRITE,
  KNOWN_CGROUP,
  KNOWN_EFFECTIVE,
  KNOWN_NS_PID,
  KNOWN_OLD_COMM,
  KNOWN_PPID,
  KNOWN_START,
  MISSED_EXEC,
  PAGE_FAULT_EVENT,
  PROCESS_EVENT,
  SAMPLE_EVENT,
  UNSURE_COMM,
  UNSURE_END,
} from "../wire/layout.gen.ts";
import { Record } from "../wire/record.ts";
import { unaccountedNs, userShareNs } from "./cpu-time.ts";
import { NO_IMAGE } from "./image-store.ts";
import type { ProcessTable } from "./table.ts";
import { NO_SLOT } from "./table-slots.ts";

/** Finds the place (cgroup, container, unit) of the process of an event. */
export interface PlaceOfEvent {
  ofEvent(event: EventView): KnownPlace;
  /** The place of a cgroup of the v2 hierarchy. */
  ofCgroupId?(id: bigint): KnownPlace;
  /**
   * Called for an event that no output reports. It looks up the place while the cgroup exists, so that later requests
   * can report the place.
   */
  passed?(event: EventView): void;
}

/**
 * One event as sinks see it: the record in the ring, and the data of its process in the process table. There is only
 * one view, which moves from event to event. A sink must read what it needs while `write` runs.
 */
export class EventView {
  readonly table: ProcessTable;
  readonly clock: WallClock;
  /** If absent, events have no cgroup, container or unit. */
  identity: PlaceOfEvent | undefined;
  record: Record = new Record();
  /** `EVENT_FORK`, `EVENT_EXEC`, `EVENT_EXIT`, `EVENT_PROCESS`, `EVENT_SAMPLE` or `EVENT_PAGE_FAULT`. */
  type = 0;
  slot = NO_SLOT;
  /** The name before an exec; only when `oldCommKnown`. */
  readonly oldComm = new Uint8Array(COMM_LEN);
  oldCommKnown = false;
  /** For a sample: CPU use, % of one core. Only the sampler knows the time between two samples. */
  cpuPct = 0;
  readonly #comm = new Uint8Array(COMM_LEN);

  constructor(table: ProcessTable, clock: WallClock) {
    this.table = table;
    this.clock = clock;
  }

  /** Makes the record the current event, and updates the table with it. A page fault does not update the table. */
  accept(record: Record): void {
    this.record = record;
    this.type = record.u8(PROCESS_EVENT.type);
    if (this.type === EVENT_FORK) {
      this.slot = this.table.fork(record);
    } else if (this.type === EVENT_EXEC) {
      this.#takeOldComm(record);
      this.slot = this.table.exec(record);
    } else if (this.type === EVENT_SAMPLE) {
      this.slot = this.table.refresh(record);
    } else if (this.type === EVENT_PAGE_FAULT) {
      this.slot = this.table.match(record);
    } else if (this.type === EVENT_PROCESS) {
      this.slot = this.table.ended(record);
    } else {
      this.slot = this.table.exit(record);
    }
  }

  /** Sets the name that the kernel side saw right before the exec; if it saw none, the name in the table. */
  #takeOldComm(record: Record): void {
    this.oldCommKnown = (this.known & KNOWN_OLD_COMM) !== 0;
    if (this.oldCommKnown) {
      record.copy(EXEC_EVENT.old_comm, COMM_LEN, this.oldComm, 0);
      return;
    }
    const before = this.table.match(record);
    this.oldCommKnown = before !== NO_SLOT;
    if (this.oldCommKnown) this.table.copyComm(before, this.oldComm);
  }

  /** Bits of `enum known`, bpf/process.h. */
  get known(): number {
    return this.record.u32(PROCESS_EVENT.known);
  }

  /** Time of the event: RFC 3339, UTC, with nanoseconds. */
  get time(): string {
    this.clock.set(this.record.u32(PROCESS_EVENT.ts_ns + 4), this.record.u32(PROCESS_EVENT.ts_ns));
    return this.clock.text;
  }

  get pid(): number {
    return this.record.u32(PROCESS_EVENT.pid);
  }

  /** `NO_CPU` if it is not known, which occurs only in samples. */
  get cpu(): number {
    return this.record.u16(PROCESS_EVENT.cpu);
  }

  get uid(): number {
    return this.record.u32(PROCESS_EVENT.uid);
  }

  /** The effective user; -1: not known. */
  get euid(): number {
    return this.known & KNOWN_EFFECTIVE ? this.record.u32(PROCESS_EVENT.euid) : -1;
  }

  get gid(): number {
    return this.record.u32(PROCESS_EVENT.gid);
  }

  /** Pid of the parent: from the record, else from the table if that parent is live; -1: not known. */
  get ppid(): number {
    if (this.known & KNOWN_PPID) return this.record.u32(PROCESS_EVENT.ppid);
    const ppid = this.table.ppid(this.slot);
    return ppid !== undefined && this.table.findLive(ppid) !== NO_SLOT ? ppid : -1;
  }

  get startKnown(): boolean {
    return (this.known & KNOWN_START) !== 0;
  }

  get cgroupKnown(): boolean {
    return (this.known & KNOWN_CGROUP) !== 0;
  }

  get nsPidKnown(): boolean {
    return (this.known & KNOWN_NS_PID) !== 0;
  }

  /** The `COMM_LEN` bytes of the name, which ends at the first NUL. They are invalid after the next event. */
  get comm(): Uint8Array {
    // The table decides whether it takes the name of a sample.
    if (this.type === EVENT_SAMPLE || (this.known & UNSURE_COMM) !== 0) {
      this.table.copyComm(this.slot, this.#comm);
      return this.#comm;
    }
    this.record.copy(PROCESS_EVENT.comm, COMM_LEN, this.#comm, 0);
    return this.#comm;
  }

  /** The image that the process executes; `NO_IMAGE` when not known. */
  get image(): number {
    if (this.slot === NO_SLOT) return NO_IMAGE;
    return this.known & MISSED_EXEC ? NO_IMAGE : this.table.image(this.slot);
  }

  /** Lifetime of the process of an exit, ns; -1: not known. */
  get durationNs(): number {
    if (this.known & UNSURE_END) return -1;
    const now = this.record.u64(PROCESS_EVENT.ts_ns);
    if (this.startKnown) {
      // Subtracts the halves separately, which is exact even if the timestamps are above 2^53.
      return (
        (this.record.u32(PROCESS_EVENT.ts_ns + 4) - this.record.u32(PROCESS_EVENT.start_ns + 4)) * 4294967296 +
        (this.record.u32(PROCESS_EVENT.ts_ns) - this.record.u32(PROCESS_EVENT.start_ns))
      );
    }
    const born = this.table.bornNs(this.slot);
    return born === undefined ? -1 : now - born;
  }

  /** Wait status of an exit. */
  get status(): number {
    return this.record.u32(EXIT_EVENT.status);
  }

  /** A 64-bit figure of an exit, by its `EXIT_EVENT` offset. */
  figure(offset: number): number {
    return this.record.u64(offset);
  }

  /** User and system time of an exit, ns. */
  get cpuNs(): number {
    return this.figure(EXIT_EVENT.runtime_ns) + this.#pendingNs;
  }

  /** CPU time of an exit that the scheduler had not added to the run time of the process yet, ns. */
  get #pendingNs(): number {
    const accounted = this.figure(EXIT_EVENT.accounted_ns);
    return accounted === 0 ? 0 : unaccountedNs(this.record.sampleTimeNs - accounted, this.durationNs);
  }

  /** User time of an exit, ns. */
  get cpuUserNs(): number {
    return userShareNs(this.cpuNs, this.figure(EXIT_EVENT.utime_ns), this.figure(EXIT_EVENT.stime_ns));
  }

  /**
   * User time of an exit that the scheduler had not added to the run time of the process yet, ns: `cpuUserNs` without
   * the user time that a BPF program knows at the exit.
   */
  get pendingUserNs(): number {
    const stimeNs = this.figure(EXIT_EVENT.stime_ns);
    // A short process has no ticks, and all of its time is user time.
    if (stimeNs === 0) return this.#pendingNs;
    return this.cpuUserNs - userShareNs(this.figure(EXIT_EVENT.runtime_ns), this.figure(EXIT_EVENT.utime_ns), stimeNs);
  }

  /** Of a sample, bytes. */
  get rssBytes(): number {
    return this.record.u64(SAMPLE_EVENT.rss_bytes);
  }

  /** Of a sample. */
  get threads(): number {
    return this.record.u32(SAMPLE_EVENT.threads);
  }

  /** Of a page fault. */
  get isWrite(): boolean {
    return (this.known & FAULT_WRITE) !== 0;
  }

  /** For a page fault: the number of suppressed page faults of the process since its last one. */
  get suppressed(): number {
    return this.record.u64(PAGE_FAULT_EVENT.suppressed);
  }

  /** Path of the executable; null when not known. */
  get exeText(): string | null {
    return this.table.images.exeText(this.image);
  }

  /** Whether `exeText` is the end of a longer path; null when it is not known. */
  get exeTruncated(): boolean | null {
    return this.table.images.exeTruncated(this.image);
  }

  /** The arguments; null when not known. */
  get argsText(): string[] | null {
    return this.table.images.argsText(this.image);
  }

  /** Whether arguments are missing from `argsText`; null when the arguments are not known. */
  get argsTruncated(): boolean | null {
    return this.table.images.argsTruncated(this.image);
  }
}
