import {
  COMM_LEN,
  EXEC_EVENT,
  EXIT_EVENT,
  FLAG_ARGS_CUT,
  FLAG_ARGS_KNOWN,
  FLAG_CGROUP_KNOWN,
  FLAG_EXE_KNOWN,
  FLAG_EXE_WHOLE,
  FLAG_PPID_KNOWN,
  FLAG_START_KNOWN,
  KNOWN_STATUS,
  PROCESS_EVENT,
} from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import { ImageStore, MAX_STORED_BYTES, NO_IMAGE } from "./image-store.ts";
import { MIN_CAPACITY, TableColumns } from "./table-columns.ts";
import { textOf } from "./text.ts";

/** No entry: what `find` gives for a process that is not known. */
export const NO_SLOT = -1;

export interface ProcessTableOptions {
  /** How long an exited process can still be asked for, ns. */
  lingerNs: number;
  /** Most exited processes that are kept, whatever their age, at least one: bounds the memory at fork storms. */
  lingerMax?: number;
  redact?: Redact | undefined;
}

/** Where the process stands. */
const FREE = 0;
const LIVE = 1;
const EXITED = 2;

/** What is kept of the flags of a record's head. */
const KEPT_FLAGS = FLAG_PPID_KNOWN | FLAG_CGROUP_KNOWN;
/** The exit's wait status is known; a bit that no kept flag of the wire has. */
const STATUS_KNOWN = FLAG_EXE_WHOLE;

/** The columns are made smaller when less than this share of them is used. */
const SPARSE = 1 / 8;

/** Rewrites NUL-separated arguments before they are kept; the result may be of another length. */
export type Redact = (args: Uint8Array) => Uint8Array;

/** Keeps what the table holds by number only, for as long as a process has it. */
export interface Shared {
  /** One more process has it. @returns the same number */
  share(number: number): number;
  release(number: number): void;
}

/**
 * The processes of the machine, by pid and start time; exited ones linger for a
 * while. Columns of numbers instead of objects: nothing is allocated for an
 * event, and a process costs about 150 bytes and its image.
 *
 * An entry is named by its slot, which is good until the next event or expiry.
 */
export class ProcessTable {
  readonly images = new ImageStore();
  /** Applied to the arguments of what is executed from now on. */
  redact: Redact | undefined;
  /** Who numbers the places of single processes; a child has its parent's. */
  places: Shared | undefined;
  readonly #options: Required<Omit<ProcessTableOptions, "redact">>;
  #columns = new TableColumns(MIN_CAPACITY);
  #buckets = new Int32Array(2 * MIN_CAPACITY).fill(NO_SLOT);
  #freeSlot = NO_SLOT;
  #used = 0;
  #live = 0;
  #lingering = 0;
  #oldestExited = NO_SLOT;
  #newestExited = NO_SLOT;
  #lostExits = 0;
  /** The sweep at hand or the latest one, and the first one that still counts. */
  #sweep = 1;
  #firstSweep = 1;
  #generation = 0;

  constructor(options: ProcessTableOptions) {
    this.redact = options.redact;
    this.#options = { lingerNs: options.lingerNs, lingerMax: Math.max(1, options.lingerMax ?? 4096) };
  }

  /** How long an exited process can still be asked for, ns. */
  get lingerNs(): number {
    return this.#options.lingerNs;
  }

  /** Taken into account at the next `expire`. */
  set lingerNs(ns: number) {
    this.#options.lingerNs = ns;
  }

  /** Processes that live, as far as is known. */
  get live(): number {
    return this.#live;
  }

  /** Exited processes that are still kept. */
  get lingering(): number {
    return this.#lingering;
  }

  /** Processes that were found to be gone without an exit having been seen. */
  get lostExits(): number {
    return this.#lostExits;
  }

  /** Another number after each change of the table: for what is made of it and kept. */
  get generation(): number {
    return this.#generation;
  }

  /** Bytes of memory taken: columns, buckets, images. */
  get bytes(): number {
    return this.#columns.bytes + this.#buckets.byteLength + this.images.bytes;
  }

  /** One past the highest slot in use. */
  get slotEnd(): number {
    return this.#used;
  }

  /** Slot of the newest process of that pid, live or lingering. */
  find(pid: number): number {
    const { pid: pids, next } = this.#columns;
    let slot = this.#buckets[this.#bucketOf(pid)] as number;
    while (slot !== NO_SLOT && pids[slot] !== pid) slot = next[slot] as number;
    return slot;
  }

  /** Slot of the live process of that pid. */
  findLive(pid: number): number {
    const slot = this.find(pid);
    return slot !== NO_SLOT && this.#columns.state[slot] === LIVE ? slot : NO_SLOT;
  }

  /** Slot of the next older process of the same pid; NO_SLOT: none is known. */
  findOlder(slot: number): number {
    const { pid: pids, next } = this.#columns;
    const pid = pids[slot];
    let older = next[slot] as number;
    while (older !== NO_SLOT && pids[older] !== pid) older = next[older] as number;
    return older;
  }

  /** Slot of the process that the record is of, live or lingering; NO_SLOT when it is not known. */
  match(record: Record): number {
    const { pid: pids, state, startLow, startHigh, next } = this.#columns;
    const pid = record.u32(PROCESS_EVENT.pid);
    const knowsStart = record.u8(PROCESS_EVENT.flags) & FLAG_START_KNOWN;
    const low = record.u32(PROCESS_EVENT.start_ns);
    const high = record.u32(PROCESS_EVENT.start_ns + 4);
    let slot = this.#buckets[this.#bucketOf(pid)] as number;
    for (; slot !== NO_SLOT; slot = next[slot] as number) {
      if (pids[slot] !== pid) continue;
      // Without a start time the newest of that pid is meant, as long as it lives.
      if (!knowsStart) return state[slot] === LIVE ? slot : NO_SLOT;
      if (startLow[slot] === low && startHigh[slot] === high) return slot;
      // Entered from /proc, which does not tell the start exactly.
      if (startLow[slot] === 0 && startHigh[slot] === 0 && state[slot] === LIVE) return slot;
    }
    return NO_SLOT;
  }

  pid(slot: number): number {
    return this.#columns.pid[slot] as number;
  }

  /** As of its fork or its last event; undefined where it is not known. */
  ppid(slot: number): number | undefined {
    const { flags, ppid } = this.#columns;
    return (flags[slot] as number) & FLAG_PPID_KNOWN ? ppid[slot] : undefined;
  }

  /** The parent that it was born to, whoever has taken it since; undefined when its fork was not seen. */
  birthPpid(slot: number): number | undefined {
    const { flags, birthPpid, bornNs } = this.#columns;
    return (flags[slot] as number) & FLAG_PPID_KNOWN && bornNs[slot] ? birthPpid[slot] : undefined;
  }

  uid(slot: number): number {
    return this.#columns.uid[slot] as number;
  }

  gid(slot: number): number {
    return this.#columns.gid[slot] as number;
  }

  /** The two halves of its cgroup's id (v2 hierarchy), as of its last event; both 0: not known. */
  cgroupIdLow(slot: number): number {
    return this.#columns.cgroupLow[slot] as number;
  }

  cgroupIdHigh(slot: number): number {
    return this.#columns.cgroupHigh[slot] as number;
  }

  /** Id of its cgroup in the v2 hierarchy: the inode number of its directory; undefined where it is not known. */
  cgroupId(slot: number): bigint | undefined {
    if (!((this.#columns.flags[slot] as number) & FLAG_CGROUP_KNOWN)) return undefined;
    return (BigInt(this.cgroupIdHigh(slot)) << 32n) | BigInt(this.cgroupIdLow(slot));
  }

  isLive(slot: number): boolean {
    return this.#columns.state[slot] === LIVE;
  }

  /** CLOCK_BOOTTIME of its fork as the events showed it, ns; undefined when its fork was not seen. */
  bornNs(slot: number): number | undefined {
    return this.#columns.bornNs[slot] || undefined;
  }

  /** CLOCK_BOOTTIME of its exit, or of when it was found to be gone, ns; undefined while it lives. */
  exitedNs(slot: number): number | undefined {
    return this.isLive(slot) ? undefined : this.#columns.exitedNs[slot];
  }

  /** Of an exited one, as wait(2) gives it; undefined while it lives and where it is not known. */
  exitStatus(slot: number): number | undefined {
    const { flags, exitStatus } = this.#columns;
    return (flags[slot] as number) & STATUS_KNOWN ? exitStatus[slot] : undefined;
  }

  /** Start time as two 32-bit halves of ns: its identity together with the pid. Both 0: not known. */
  startHigh(slot: number): number {
    return this.#columns.startHigh[slot] as number;
  }

  startLow(slot: number): number {
    return this.#columns.startLow[slot] as number;
  }

  /** The image that it executes; `NO_IMAGE` when not known. */
  image(slot: number): number {
    return this.#columns.image[slot] as number;
  }

  /**
   * % of one core at the latest sweep over all processes: 0 where that did not tell of it, for then it did not run.
   * Undefined where nothing is known: no sweep saw it, or it was looked at only once.
   */
  cpuPct(slot: number): number | undefined {
    const { sweep, cpuPct } = this.#columns;
    if (!this.#isSampled(slot)) return undefined;
    if (sweep[slot] !== this.#sweep) return 0;
    const pct = cpuPct[slot] as number;
    return Number.isNaN(pct) ? undefined : pct;
  }

  /** As of its latest sample, bytes; undefined when there was none. */
  rssBytes(slot: number): number | undefined {
    return this.#isSampled(slot) ? this.#columns.rssBytes[slot] : undefined;
  }

  /** As of its latest sample; undefined when there was none. */
  threads(slot: number): number | undefined {
    return this.#isSampled(slot) ? this.#columns.threads[slot] : undefined;
  }

  #isSampled(slot: number): boolean {
    return (this.#columns.sweep[slot] as number) >= this.#firstSweep;
  }

  /** The place that `setPlace` gave it or the process that it descends from; 0: none. */
  place(slot: number): number {
    return this.#columns.place[slot] as number;
  }

  /** Takes over the caller's share in a place. */
  setPlace(slot: number, place: number): void {
    const { place: places } = this.#columns;
    const before = places[slot] as number;
    places[slot] = place;
    if (before !== 0) this.places?.release(before);
    this.#generation++;
  }

  /** Copies its name, NUL-padded, to `target`. */
  copyComm(slot: number, target: Uint8Array): void {
    const { comm } = this.#columns;
    const from = slot * COMM_LEN;
    for (let i = 0; i < COMM_LEN; i++) target[i] = comm[from + i] as number;
  }

  /** Its name, as text. */
  comm(slot: number): string {
    return textOf(this.#columns.comm.subarray(slot * COMM_LEN, (slot + 1) * COMM_LEN));
  }

  /** Path of what it executes; null when not known. */
  exe(slot: number): string | null {
    return this.images.exeText(this.image(slot));
  }

  /** Its arguments as of its exec; null when not known. */
  args(slot: number): string[] | null {
    return this.images.argsText(this.image(slot));
  }

  /** Whether `args` lacks some; null when they are not known. */
  argsTruncated(slot: number): boolean | null {
    return this.images.argsTruncated(this.image(slot));
  }

  /** Slots of all live processes. */
  *liveSlots(): Generator<number> {
    for (let slot = 0; slot < this.#used; slot++) if (this.#columns.state[slot] === LIVE) yield slot;
  }

  /** Slots of all processes that are known: live and lingering. */
  *knownSlots(): Generator<number> {
    for (let slot = 0; slot < this.#used; slot++) if (this.#columns.state[slot] !== FREE) yield slot;
  }

  /** A process was born: it shares its parent's image. */
  fork(record: Record): number {
    this.#endEarlierLife(record);
    const slot = this.#enter(record);
    const { bornNs, birthPpid, image, place } = this.#columns;
    bornNs[slot] = record.u64(PROCESS_EVENT.ts_ns);
    birthPpid[slot] = record.u32(PROCESS_EVENT.ppid);
    if (!(record.u8(PROCESS_EVENT.flags) & FLAG_PPID_KNOWN)) return slot;
    const parent = this.find(record.u32(PROCESS_EVENT.ppid));
    if (parent === NO_SLOT) return slot;
    if (image[slot] === NO_IMAGE) image[slot] = this.images.share(image[parent] as number);
    if (place[slot] === 0 && place[parent] !== 0) place[slot] = this.places?.share(place[parent] as number) ?? 0;
    return slot;
  }

  /** A process executes a new image. Ask for its old name before. */
  exec(record: Record): number {
    const slot = this.#enter(record);
    this.#setImage(slot, this.#imageFrom(record));
    return slot;
  }

  /** A process is gone; its entry lingers. */
  exit(record: Record): number {
    const slot = this.#enter(record);
    if (record.u32(EXIT_EVENT.known) & KNOWN_STATUS) {
      const { flags, exitStatus } = this.#columns;
      exitStatus[slot] = record.u32(EXIT_EVENT.status);
      flags[slot] = (flags[slot] as number) | STATUS_KNOWN;
    }
    this.#leave(slot, record.u64(PROCESS_EVENT.ts_ns));
    return slot;
  }

  /**
   * A process that runs, as a list tells: entered unless an event told of it
   * before; of one that is known, what no event tells is taken over. Returns its slot.
   */
  seed(record: Record): number {
    const slot = this.match(record);
    if (slot === NO_SLOT) return this.#enter(record);
    // Nobody tells when its parent has gone and another one has taken it, or when it was moved to another cgroup.
    if (this.isLive(slot)) this.#takePlace(slot, record);
    return slot;
  }

  /** Gives a process that has none its image from elsewhere than an event. */
  setImage(slot: number, exe: Uint8Array | null, args: Uint8Array | null, argsCut = false): void {
    const exeLength = exe?.length ?? 0;
    const kept = args && this.redact ? this.redact(args) : args;
    const argsLength = Math.min(kept?.length ?? 0, MAX_STORED_BYTES - exeLength);
    const cut = argsCut || argsLength < (kept?.length ?? 0);
    const flags =
      (exe ? FLAG_EXE_KNOWN | FLAG_EXE_WHOLE : 0) | (args ? FLAG_ARGS_KNOWN : 0) | (cut ? FLAG_ARGS_CUT : 0);
    const image = this.images.create(exeLength, argsLength, flags);
    const start = this.images.exeStart(image);
    if (exe) this.images.bytesOf(image).set(exe, start);
    if (kept) this.images.bytesOf(image).set(kept.subarray(0, argsLength), start + exeLength);
    this.#setImage(slot, image);
    this.#generation++;
  }

  /** A sweep over all processes begins: those of which it does not tell did not run. */
  beginSweep(): void {
    this.#sweep++;
    this.#generation++;
  }

  /** No more sweeps, or not before a while: what they told gets old and is forgotten. */
  endSweeps(): void {
    this.#firstSweep = this.#sweep + 1;
    this.#generation++;
  }

  /** Takes over what the sweep tells of a process: % of one core (NaN: not known), bytes, number of threads. */
  setSample(slot: number, cpuPct: number, rssBytes: number, threads: number): void {
    const columns = this.#columns;
    columns.sweep[slot] = this.#sweep;
    columns.cpuPct[slot] = cpuPct;
    columns.rssBytes[slot] = rssBytes;
    columns.threads[slot] = threads;
    this.#generation++;
  }

  /** The process is gone, but nobody told: its exit was lost. */
  reconcileGone(slot: number, nowNs: number): void {
    if (this.#columns.state[slot] !== LIVE) return;
    this.#lostExits++;
    this.#generation++;
    this.#leave(slot, nowNs);
  }

  /** Forgets the exited processes whose time is over, and gives back the memory that a storm took. */
  expire(nowNs: number): void {
    while (
      this.#oldestExited !== NO_SLOT &&
      nowNs - (this.#columns.exitedNs[this.#oldestExited] as number) > this.#options.lingerNs
    ) {
      this.#forgetOldest();
    }
    const { capacity } = this.#columns;
    if (capacity > MIN_CAPACITY && this.#live + this.#lingering < SPARSE * capacity) this.#compact();
  }

  #forgetOldest(): void {
    const slot = this.#oldestExited;
    this.#oldestExited = this.#columns.nextExited[slot] as number;
    if (this.#oldestExited === NO_SLOT) this.#newestExited = NO_SLOT;
    this.#lingering--;
    this.#generation++;
    this.#remove(slot);
  }

  /** Where no start time tells lives apart: nobody is born twice, so an exit was lost between two births. */
  #endEarlierLife(birth: Record): void {
    if (birth.u8(PROCESS_EVENT.flags) & FLAG_START_KNOWN) return;
    const earlier = this.findLive(birth.u32(PROCESS_EVENT.pid));
    if (earlier === NO_SLOT || this.bornNs(earlier) === undefined) return;
    this.reconcileGone(earlier, birth.u64(PROCESS_EVENT.ts_ns));
  }

  /** Finds or makes the entry of the record's process, and takes over what the record's head says. */
  #enter(record: Record): number {
    let slot = this.match(record);
    const pid = record.u32(PROCESS_EVENT.pid);
    if (slot === NO_SLOT) {
      // Another process had this pid and lives, as far as we know: its exit was lost.
      const earlier = this.findLive(pid);
      if (earlier !== NO_SLOT) this.reconcileGone(earlier, record.u64(PROCESS_EVENT.ts_ns));
      slot = this.#insert(pid);
    }
    const { startLow, startHigh, uid, gid, comm } = this.#columns;
    if (record.u8(PROCESS_EVENT.flags) & FLAG_START_KNOWN) {
      startLow[slot] = record.u32(PROCESS_EVENT.start_ns);
      startHigh[slot] = record.u32(PROCESS_EVENT.start_ns + 4);
    }
    this.#takePlace(slot, record);
    uid[slot] = record.u32(PROCESS_EVENT.uid);
    gid[slot] = record.u32(PROCESS_EVENT.gid);
    record.copy(PROCESS_EVENT.comm, COMM_LEN, comm, slot * COMM_LEN);
    this.#generation++;
    return slot;
  }

  /** Takes over where the process stands: below which parent, in which cgroup. */
  #takePlace(slot: number, record: Record): void {
    const { flags, ppid, cgroupLow, cgroupHigh } = this.#columns;
    const known = record.u8(PROCESS_EVENT.flags);
    if (known & FLAG_PPID_KNOWN) ppid[slot] = record.u32(PROCESS_EVENT.ppid);
    if (known & FLAG_CGROUP_KNOWN) {
      cgroupLow[slot] = record.u32(PROCESS_EVENT.cgroup_id);
      cgroupHigh[slot] = record.u32(PROCESS_EVENT.cgroup_id + 4);
    }
    flags[slot] = (flags[slot] as number) | (known & KEPT_FLAGS);
  }

  #insert(pid: number): number {
    const slot = this.#takeSlot();
    const bucket = this.#bucketOf(pid);
    const columns = this.#columns;
    columns.pid[slot] = pid;
    columns.state[slot] = LIVE;
    columns.flags[slot] = 0;
    columns.startLow[slot] = 0;
    columns.startHigh[slot] = 0;
    columns.cgroupLow[slot] = 0;
    columns.cgroupHigh[slot] = 0;
    columns.bornNs[slot] = 0;
    columns.image[slot] = NO_IMAGE;
    columns.place[slot] = 0;
    columns.sweep[slot] = 0;
    columns.next[slot] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = slot;
    this.#live++;
    return slot;
  }

  #leave(slot: number, nowNs: number): void {
    const { state, exitedNs, nextExited } = this.#columns;
    if (state[slot] !== LIVE) return;
    state[slot] = EXITED;
    exitedNs[slot] = nowNs;
    this.#live--;
    this.#lingering++;
    nextExited[slot] = NO_SLOT;
    if (this.#newestExited === NO_SLOT) this.#oldestExited = slot;
    else nextExited[this.#newestExited] = slot;
    this.#newestExited = slot;
    // At once, not at the next expiry: a storm must not make the table larger than it has to be.
    if (this.#lingering > this.#options.lingerMax) this.#forgetOldest();
  }

  #remove(slot: number): void {
    const { pid, next, image, place, state } = this.#columns;
    const bucket = this.#bucketOf(pid[slot] as number);
    let at = this.#buckets[bucket] as number;
    if (at === slot) {
      this.#buckets[bucket] = next[slot] as number;
    } else {
      while ((next[at] as number) !== slot) at = next[at] as number;
      next[at] = next[slot] as number;
    }
    this.images.release(image[slot] as number);
    image[slot] = NO_IMAGE;
    if (place[slot] !== 0) this.places?.release(place[slot] as number);
    place[slot] = 0;
    state[slot] = FREE;
    next[slot] = this.#freeSlot;
    this.#freeSlot = slot;
  }

  #setImage(slot: number, image: number): void {
    const { image: images } = this.#columns;
    this.images.release(images[slot] as number);
    images[slot] = image;
  }

  #imageFrom(record: Record): number {
    const exeLength = record.u16(EXEC_EVENT.exe_len);
    const flags = record.u8(PROCESS_EVENT.flags) & (FLAG_EXE_KNOWN | FLAG_EXE_WHOLE | FLAG_ARGS_KNOWN | FLAG_ARGS_CUT);
    const argsLength = record.u16(EXEC_EVENT.args_len);
    // Written to memory that is kept only when it is redacted.
    const redacted = this.redact && argsLength > 0 ? this.#redactedFrom(record, exeLength, argsLength) : undefined;
    const image = redacted
      ? this.images.create(exeLength, redacted.bytes.length, redacted.cut ? flags | FLAG_ARGS_CUT : flags)
      : this.images.create(exeLength, argsLength, flags);
    const bytes = this.images.bytesOf(image);
    const start = this.images.exeStart(image);
    record.copy(EXEC_EVENT.size, redacted ? exeLength : exeLength + argsLength, bytes, start);
    if (redacted) bytes.set(redacted.bytes, start + exeLength);
    if (!(flags & FLAG_EXE_WHOLE)) turnPath(bytes, start, exeLength);
    return image;
  }

  #redactedFrom(record: Record, exeLength: number, argsLength: number): { bytes: Uint8Array; cut: boolean } {
    const args = new Uint8Array(argsLength);
    record.copy(EXEC_EVENT.size + exeLength, argsLength, args, 0);
    const bytes = this.redact?.(args) ?? args;
    const room = MAX_STORED_BYTES - exeLength;
    return { bytes: bytes.subarray(0, room), cut: bytes.length > room };
  }

  #takeSlot(): number {
    if (this.#freeSlot !== NO_SLOT) {
      const slot = this.#freeSlot;
      this.#freeSlot = this.#columns.next[slot] as number;
      return slot;
    }
    if (this.#used === this.#columns.capacity) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    const entries = this.#chainsOldestFirst();
    this.#columns = this.#columns.grownTo(2 * this.#columns.capacity);
    this.#rehash(entries);
  }

  /** Moves what is known together into columns of a size that fits. */
  #compact(): void {
    const oldestFirst = this.#chainsOldestFirst();
    const newSlotOf = new Int32Array(this.#used).fill(NO_SLOT);
    for (let i = 0; i < oldestFirst.length; i++) newSlotOf[oldestFirst[i] as number] = i;
    const moved = (slot: number) => (slot === NO_SLOT ? NO_SLOT : (newSlotOf[slot] as number));
    let capacity = MIN_CAPACITY;
    while (capacity < 2 * oldestFirst.length) capacity *= 2;
    this.#columns = this.#columns.compactedTo(capacity, oldestFirst);
    const { nextExited, state } = this.#columns;
    for (let slot = 0; slot < oldestFirst.length; slot++) {
      if (state[slot] === EXITED) nextExited[slot] = moved(nextExited[slot] as number);
      oldestFirst[slot] = slot;
    }
    this.#oldestExited = moved(this.#oldestExited);
    this.#newestExited = moved(this.#newestExited);
    this.#used = oldestFirst.length;
    this.#freeSlot = NO_SLOT;
    this.#generation++;
    this.#rehash(oldestFirst);
  }

  /** Newest first in every bucket: an entry made later has to stand before one made earlier, of the same pid. */
  #rehash(oldestFirst: Int32Array): void {
    const { capacity, pid, next } = this.#columns;
    this.#buckets = new Int32Array(2 * capacity).fill(NO_SLOT);
    for (const slot of oldestFirst) {
      const bucket = this.#bucketOf(pid[slot] as number);
      next[slot] = this.#buckets[bucket] as number;
      this.#buckets[bucket] = slot;
    }
  }

  #chainsOldestFirst(): Int32Array {
    const { next } = this.#columns;
    const entries = new Int32Array(this.#live + this.#lingering);
    let at = entries.length;
    for (const head of this.#buckets) {
      for (let slot = head; slot !== NO_SLOT; slot = next[slot] as number) entries[--at] = slot;
    }
    return entries;
  }

  #bucketOf(pid: number): number {
    // Pids are handed out one after the other: their low bits spread well.
    return pid & (this.#buckets.length - 1);
  }
}

const turned = new Uint8Array(16384);

/**
 * Turns path components, leaf first and each ended by NUL, into a path in place:
 * `true\0bin\0usr\0` becomes `/usr/bin/true`, which has the same length.
 */
export function turnPath(bytes: Uint8Array, start: number, length: number): void {
  let to = 0;
  let end = start + length - 1; // the last component's NUL
  while (end > start) {
    let from = end;
    while (from > start && bytes[from - 1] !== 0) from--;
    turned[to++] = 0x2f;
    for (let i = from; i < end; i++) turned[to++] = bytes[i] as number;
    end = from - 1;
  }
  for (let i = 0; i < to; i++) bytes[start + i] = turned[i] as number;
}
