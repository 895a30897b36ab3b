import {
  COMM_LEN,
  ENDED_EVENT,
  EXIT_EVENT,
  IMAGE_HERE,
  KNOWN_AUID,
  KNOWN_CGROUP,
  KNOWN_EFFECTIVE,
  KNOWN_PPID,
  KNOWN_START,
  KNOWN_STATUS,
  MISSED_EXEC,
  PROCESS_EVENT,
  UNSURE_COMM,
} from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import { NO_IMAGE } from "./image-store.ts";
import { imageOfEnded, imageOfExec, imageOfProc, imageRedacted } from "./make-image.ts";
import { type Redact, redactorOf } from "./redact.ts";
import { KEPT_FLAGS, STATUS_KNOWN, TableRows } from "./table-rows.ts";
import { NO_SLOT } from "./table-slots.ts";

/** Maximum time for patterns to search the known arguments when redaction is switched on, ms. */
const PATTERNS_MS = 50;

/** With this maximum, a table with up to 1024 live processes needs a capacity of at most 4096 entries. */
const LINGER_MAX = 3072;

export interface ProcessTableOptions {
  /** How long an exited process stays in the table, ns. */
  lingerNs: number;
  /** Maximum number of exited processes in the table, at least 1. It limits the memory in fork storms. */
  lingerMax?: number;
  redact?: Redact | undefined;
}

/** A store of objects that the table refers to by number. Each reference of a process is counted. */
export interface Shared {
  /** One more process refers to the object. @returns the same number */
  share(number: number): number;
  release(number: number): void;
}

/**
 * The processes of the machine, by pid and start time. Exited processes linger for a while. The table consists of
 * columns of numbers instead of objects, so an event allocates no object. Each slot takes about 130 bytes, besides the
 * image.
 */
export class ProcessTable extends TableRows {
  /** Applied to the arguments of later execs. */
  redact: Redact | undefined;
  /** The store of places of single processes; a child has its parent's place. */
  places: Shared | undefined;
  /**
   * Whether some exits are not reported: a filter drops them, or a storm or totals only count them. Then a missing exit
   * does not count as lost.
   */
  exitsHeldBack = false;
  /** Called with the pid of a process that has ended, but whose exit linnix did not see. */
  onGone: ((pid: number) => void) | undefined;
  /** Called for a live process if a scan or a list reports a new name for it, or reports it for the first time. */
  onRenamed: ((slot: number) => void) | undefined;
  /** How long an exited process stays in the table, ns; takes effect at the next `expire`. */
  lingerNs: number;
  readonly #lingerMax: number;
  #lostExits = 0;
  /** The value of `firstSweep` before `endSweeps`. */
  #formerFirstSweep = 1;
  /** Time of the last exec of all processes, CLOCK_BOOTTIME, ns. */
  #lastExecNs = 0;
  #generation = 0;

  constructor({ lingerNs, lingerMax = LINGER_MAX, redact }: ProcessTableOptions) {
    super();
    this.redact = redact;
    this.lingerNs = lingerNs;
    this.#lingerMax = Math.max(1, lingerMax);
  }

  /**
   * Applies another redaction, also to the known arguments. If the patterns would take too long for all arguments, the
   * rest is hidden completely.
   */
  redactKnown(redact: Redact | undefined): void {
    this.redact = redact;
    if (!redact) return;
    const { image: images } = this.slots.columns;
    const hideAll = redactorOf({ redact: true, patterns: [] }) as Redact;
    const endMs = performance.now() + PATTERNS_MS;
    const madeOf = new Map<number, number>();
    const former: number[] = [];
    for (const slot of this.knownSlots()) {
      const image = images[slot] as number;
      if (image === NO_IMAGE) continue;
      let made = madeOf.get(image);
      if (made === undefined) {
        made = imageRedacted(this.images, image, performance.now() < endMs ? redact : hideAll);
        madeOf.set(image, made);
      } else {
        this.images.share(made);
      }
      images[slot] = made;
      former.push(image);
    }
    // Released only now. Otherwise a new image could get the number of an image that `madeOf` still refers to.
    for (const image of former) this.images.release(image);
    this.#generation++;
  }

  /** Number of processes whose exit should have been reported, but linnix did not see it. */
  get lostExits(): number {
    return this.#lostExits;
  }

  /** Increases with each change of the table. Caches compare this number to detect a change. */
  get generation(): number {
    return this.#generation;
  }

  /** Sets the place of a process, and takes over the caller's reference to it. */
  setPlace(slot: number, place: number): void {
    const { place: places } = this.slots.columns;
    const before = places[slot] as number;
    places[slot] = place;
    if (before !== 0) this.places?.release(before);
    this.#generation++;
  }

  /** A process was born: it shares its parent's image. */
  fork(record: Record): number {
    this.#endEarlierLife(record);
    const slot = this.#enter(record);
    const { bornNs, birthPpid, image, place } = this.slots.columns;
    bornNs[slot] = record.u64(PROCESS_EVENT.ts_ns);
    birthPpid[slot] = record.u32(PROCESS_EVENT.ppid);
    if (!(record.u32(PROCESS_EVENT.known) & KNOWN_PPID)) return slot;
    const parent = this.find(record.u32(PROCESS_EVENT.ppid));
    if (parent === NO_SLOT) return slot;
    if (image[slot] === NO_IMAGE) image[slot] = this.images.share(image[parent] as number);
    if (place[slot] === 0 && place[parent] !== 0) place[slot] = this.places?.share(place[parent] as number) ?? 0;
    return slot;
  }

  /**
   * A process executes a new image. This replaces its name, so a caller that needs the old name must read it before.
   */
  exec(record: Record): number {
    const slot = this.#enter(record);
    this.#lastExecNs = record.u64(PROCESS_EVENT.ts_ns);
    this.#setImage(slot, imageOfExec(this.images, record, this.redact));
    return slot;
  }

  /** A process has ended; its entry lingers. */
  exit(record: Record): number {
    const figures = record.u32(PROCESS_EVENT.known);
    const slot = this.#enter(record, this.match(record), (figures & UNSURE_COMM) !== 0);
    // The image in the table is older than the last exec of the process.
    if (figures & MISSED_EXEC) this.#setImage(slot, NO_IMAGE);
    if (figures & KNOWN_STATUS) {
      const { flags, exitStatus } = this.slots.columns;
      exitStatus[slot] = record.u32(EXIT_EVENT.status);
      flags[slot] = (flags[slot] as number) | STATUS_KNOWN;
    }
    this.#leave(slot, record.u32(PROCESS_EVENT.ts_ns + 4), record.u32(PROCESS_EVENT.ts_ns));
    return slot;
  }

  /** A process has ended that no earlier record mentioned. */
  ended(record: Record): number {
    const slot = this.exit(record);
    const bornNs = record.u64(ENDED_EVENT.born_ns);
    if (bornNs > 0) {
      this.slots.columns.bornNs[slot] = bornNs;
      this.slots.columns.birthPpid[slot] = record.u32(PROCESS_EVENT.ppid);
    }
    if (record.u32(PROCESS_EVENT.known) & IMAGE_HERE) {
      this.#setImage(slot, imageOfEnded(this.images, record, this.redact));
      return slot;
    }
    const pid = record.u32(ENDED_EVENT.image_pid);
    if (pid === 0) return slot;
    // The record refers to another process with the same image.
    const start = ENDED_EVENT.image_start_ns;
    const owner = this.slots.findStarted(pid, record.u32(start), record.u32(start + 4));
    this.#setImage(slot, owner === NO_SLOT ? NO_IMAGE : this.images.share(this.image(owner)));
    return slot;
  }

  /**
   * Adds a listed process. If an event has created its entry already, only what no event reports is updated: parent and
   * cgroup. Returns its slot.
   */
  seed(record: Record): number {
    const slot = this.match(record);
    if (slot === NO_SLOT) return this.#enter(record, slot);
    // No event reports that another process adopted it, or that it was moved to another cgroup.
    if (this.isLive(slot)) this.#takePlace(slot, record);
    return slot;
  }

  /**
   * Enters or updates a process from a scan or a list. If it is known, everything is updated, because no event reports
   * a change of its user or its name. It keeps its name if the record may be older than its last exec. Returns its slot.
   */
  refresh(record: Record): number {
    const known = this.match(record);
    if (known !== NO_SLOT && !this.isLive(known)) return known;
    const keepsComm = known !== NO_SLOT && this.#mayPrecedeExec(record);
    const isRenamed = this.onRenamed !== undefined && !keepsComm && (known === NO_SLOT || !this.isNamed(known, record));
    const slot = this.#enter(record, known, keepsComm);
    if (isRenamed) this.onRenamed?.(slot);
    return slot;
  }

  /** Sets the image of a process to data that does not come from an event. */
  setImage(slot: number, exe: Uint8Array | null, args: Uint8Array | null, argsCut = false): void {
    this.#setImage(slot, imageOfProc(this.images, { exe, args, argsCut }, this.redact));
    this.#generation++;
  }

  /** Removes the image of a process, because it is no longer valid. */
  forgetImage(slot: number): void {
    if (this.image(slot) === NO_IMAGE) return;
    this.#setImage(slot, NO_IMAGE);
    this.#generation++;
  }

  /** A scan of all processes begins: processes that it does not report did not run. */
  beginSweep(): void {
    this.sweep++;
    this.#generation++;
  }

  /** Scans have stopped, so the figures of earlier scans become invalid. */
  endSweeps(): void {
    this.#formerFirstSweep = this.firstSweep;
    this.firstSweep = this.sweep + 1;
    this.#generation++;
  }

  /**
   * Another sampler continues the scans. Earlier figures become valid again, because it reports only memory that
   * changes.
   */
  resumeSweeps(): void {
    this.firstSweep = this.#formerFirstSweep;
    this.#generation++;
  }

  /** Stores the figures of a scan: % of one core (NaN: unknown), bytes, number of threads. */
  setSample(slot: number, cpuPct: number, rssBytes: number, threads: number): void {
    const columns = this.slots.columns;
    columns.sweep[slot] = this.sweep;
    columns.cpuPct[slot] = cpuPct;
    columns.rssBytes[slot] = rssBytes;
    columns.threads[slot] = threads;
    this.#generation++;
  }

  /**
   * A scan shows that the process has ended without an event. Its exit was lost, or the kernel side did not send it.
   */
  reconcileGone(slot: number, nowNs: number): void {
    // `>>>` computes the value modulo 2^32.
    this.#gone(slot, Math.floor(nowNs / 4294967296), nowNs >>> 0);
  }

  /** Drops the exited processes whose retention time is over, and releases the memory that a storm took. */
  expire(nowNs: number): void {
    const { slots } = this;
    while (slots.oldestExited !== NO_SLOT && nowNs - (this.exitedNs(slots.oldestExited) as number) > this.lingerNs) {
      this.#forgetOldest();
    }
    if (!slots.isSparse) return;
    slots.compact();
    this.#generation++;
  }

  #forgetOldest(): void {
    const { slots } = this;
    const slot = slots.oldestExited;
    const { image, place } = slots.columns;
    this.images.release(image[slot] as number);
    if (place[slot] !== 0) this.places?.release(place[slot] as number);
    slots.removeOldestExited();
    this.#generation++;
  }

  /** Without start times, a second fork of the same pid shows that the exit of the earlier process was lost. */
  #endEarlierLife(birth: Record): void {
    if (birth.u32(PROCESS_EVENT.known) & KNOWN_START) return;
    const earlier = this.findLive(birth.u32(PROCESS_EVENT.pid));
    if (earlier === NO_SLOT || this.bornNs(earlier) === undefined) return;
    this.#goneBefore(birth, earlier);
  }

  /**
   * Finds or creates the entry of the record's process, and copies the common fields of the record into it.
   * @param keepsComm whether an existing entry keeps its name
   */
  #enter(record: Record, known = this.match(record), keepsComm = false): number {
    let slot = known;
    const pid = record.u32(PROCESS_EVENT.pid);
    if (slot === NO_SLOT) {
      // The table has a live process with this pid and another start: its exit was lost.
      const earlier = this.findLive(pid);
      if (earlier !== NO_SLOT) this.#goneBefore(record, earlier);
      slot = this.slots.insert(pid);
    }
    const { startLow, startHigh, uid, gid, euid, egid, auid, flags, comm } = this.slots.columns;
    const bits = record.u32(PROCESS_EVENT.known);
    if (bits & KNOWN_START) {
      startLow[slot] = record.u32(PROCESS_EVENT.start_ns);
      startHigh[slot] = record.u32(PROCESS_EVENT.start_ns + 4);
    }
    this.#takePlace(slot, record);
    uid[slot] = record.u32(PROCESS_EVENT.uid);
    gid[slot] = record.u32(PROCESS_EVENT.gid);
    if (bits & KNOWN_EFFECTIVE) {
      euid[slot] = record.u32(PROCESS_EVENT.euid);
      egid[slot] = record.u32(PROCESS_EVENT.egid);
    }
    if (bits & KNOWN_AUID) auid[slot] = record.u32(PROCESS_EVENT.auid);
    flags[slot] = (flags[slot] as number) | (bits & (KNOWN_EFFECTIVE | KNOWN_AUID));
    if (!keepsComm || known === NO_SLOT) record.copy(PROCESS_EVENT.comm, COMM_LEN, comm, slot * COMM_LEN);
    this.#generation++;
    return slot;
  }

  /** Whether the name in the record may be older than the image in the table. */
  #mayPrecedeExec(record: Record): boolean {
    // 0: a list of /proc, which has no times.
    const readNs = record.u64(PROCESS_EVENT.ts_ns);
    return readNs !== 0 && readNs < this.#lastExecNs;
  }

  /** Whether the name of a process is still that of the record. */
  isNamed(slot: number, record: Record): boolean {
    const { comm } = this.slots.columns;
    for (let i = 0; i < COMM_LEN; i++) {
      const byte = record.u8(PROCESS_EVENT.comm + i);
      if (byte !== comm[slot * COMM_LEN + i]) return false;
      // The bytes after the end are undefined.
      if (byte === 0) break;
    }
    return true;
  }

  /** Copies the parent and the cgroup from the record. */
  #takePlace(slot: number, record: Record): void {
    const { flags, ppid, cgroupLow, cgroupHigh } = this.slots.columns;
    const known = record.u32(PROCESS_EVENT.known);
    if (known & KNOWN_PPID) ppid[slot] = record.u32(PROCESS_EVENT.ppid);
    if (known & KNOWN_CGROUP) {
      cgroupLow[slot] = record.u32(PROCESS_EVENT.cgroup_id);
      cgroupHigh[slot] = record.u32(PROCESS_EVENT.cgroup_id + 4);
    }
    flags[slot] = (flags[slot] as number) | (known & KEPT_FLAGS);
  }

  /** The process ended before the time of the record, but no event reported that. */
  #goneBefore(record: Record, slot: number): void {
    this.#gone(slot, record.u32(PROCESS_EVENT.ts_ns + 4), record.u32(PROCESS_EVENT.ts_ns));
  }

  #gone(slot: number, high: number, low: number): void {
    if (!this.isLive(slot)) return;
    if (!this.exitsHeldBack) this.#lostExits++;
    this.onGone?.(this.pid(slot));
    this.#generation++;
    this.#leave(slot, high, low);
  }

  #leave(slot: number, high: number, low: number): void {
    if (!this.isLive(slot)) return;
    this.slots.retire(slot, high, low);
    // Immediately, not at the next expiry, so that a storm does not make the table larger than necessary.
    if (this.lingering > this.#lingerMax) this.#forgetOldest();
  }

  #setImage(slot: number, image: number): void {
    const { image: images } = this.slots.columns;
    this.images.release(images[slot] as number);
    images[slot] = image;
  }
}
