import {
  COMM_LEN,
  EXEC_EVENT,
  FLAG_ARGS_CUT,
  FLAG_ARGS_KNOWN,
  FLAG_EXE_KNOWN,
  FLAG_EXE_WHOLE,
  FLAG_PPID_KNOWN,
  FLAG_START_KNOWN,
  PROCESS_EVENT,
} from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import { ImageStore, NO_IMAGE } from "./image-store.ts";

/** No entry: what `find` gives for a process that is not known. */
export const NO_SLOT = -1;

export interface ProcessTableOptions {
  /** How long an exited process can still be asked for, ns. */
  lingerNs: number;
  /** Most exited processes that are kept, whatever their age, at least one: bounds the memory at fork storms. */
  lingerMax?: number;
}

/** Where the process stands. */
const FREE = 0;
const LIVE = 1;
const EXITED = 2;

/**
 * The processes of the machine, by pid and start time; exited ones linger for a
 * while. Columns of numbers instead of objects: nothing is allocated for an
 * event, and a process costs about a hundred bytes and its image.
 *
 * An entry is named by its slot, which is good until the next event.
 */
export class ProcessTable {
  readonly images = new ImageStore();
  readonly #options: Required<ProcessTableOptions>;
  #capacity = 1024;
  #pid = new Uint32Array(this.#capacity);
  #ppid = new Uint32Array(this.#capacity);
  #uid = new Uint32Array(this.#capacity);
  #flags = new Uint8Array(this.#capacity);
  #state = new Uint8Array(this.#capacity);
  #startLow = new Uint32Array(this.#capacity);
  #startHigh = new Uint32Array(this.#capacity);
  /** When it was first seen (fork), and when it went; CLOCK_BOOTTIME, ns. */
  #bornNs = new Float64Array(this.#capacity);
  #exitedNs = new Float64Array(this.#capacity);
  #comm = new Uint8Array(this.#capacity * COMM_LEN);
  #image = new Int32Array(this.#capacity);
  /** Next of the same bucket, or next free slot. */
  #next = new Int32Array(this.#capacity);
  /** Next in the order of exit. */
  #nextExited = new Int32Array(this.#capacity);
  #buckets = new Int32Array(2 * this.#capacity).fill(NO_SLOT);
  #freeSlot = NO_SLOT;
  #used = 0;
  #live = 0;
  #lingering = 0;
  #oldestExited = NO_SLOT;
  #newestExited = NO_SLOT;
  #lostExits = 0;

  constructor(options: ProcessTableOptions) {
    this.#options = { ...options, lingerMax: Math.max(1, options.lingerMax ?? 4096) };
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

  /** Slot of the newest process of that pid, live or lingering. */
  find(pid: number): number {
    let slot = this.#buckets[this.#bucketOf(pid)] as number;
    while (slot !== NO_SLOT && this.#pid[slot] !== pid) slot = this.#next[slot] as number;
    return slot;
  }

  /** Slot of the live process of that pid. */
  findLive(pid: number): number {
    const slot = this.find(pid);
    return slot !== NO_SLOT && this.#state[slot] === LIVE ? slot : NO_SLOT;
  }

  /** Slot of the process that the record is of, live or lingering; NO_SLOT when it is not known. */
  match(record: Record): number {
    const pid = record.u32(PROCESS_EVENT.pid);
    const knowsStart = record.u8(PROCESS_EVENT.flags) & FLAG_START_KNOWN;
    const low = record.u32(PROCESS_EVENT.start_ns);
    const high = record.u32(PROCESS_EVENT.start_ns + 4);
    let slot = this.#buckets[this.#bucketOf(pid)] as number;
    for (; slot !== NO_SLOT; slot = this.#next[slot] as number) {
      if (this.#pid[slot] !== pid) continue;
      // Without a start time the newest of that pid is meant, as long as it lives.
      if (!knowsStart) return this.#state[slot] === LIVE ? slot : NO_SLOT;
      if (this.#startLow[slot] === low && this.#startHigh[slot] === high) return slot;
      // Entered from /proc, which does not tell the start exactly.
      if (this.#startLow[slot] === 0 && this.#startHigh[slot] === 0 && this.#state[slot] === LIVE) return slot;
    }
    return NO_SLOT;
  }

  pid(slot: number): number {
    return this.#pid[slot] as number;
  }

  /** As of its fork or its last event; undefined where it is not known. */
  ppid(slot: number): number | undefined {
    return (this.#flags[slot] as number) & FLAG_PPID_KNOWN ? this.#ppid[slot] : undefined;
  }

  uid(slot: number): number {
    return this.#uid[slot] as number;
  }

  isLive(slot: number): boolean {
    return this.#state[slot] === LIVE;
  }

  /** CLOCK_BOOTTIME of its fork as the events showed it, ns; undefined when its fork was not seen. */
  bornNs(slot: number): number | undefined {
    return this.#bornNs[slot] || undefined;
  }

  /** Start time as two 32-bit halves of ns: its identity together with the pid. */
  startHigh(slot: number): number {
    return this.#startHigh[slot] as number;
  }

  startLow(slot: number): number {
    return this.#startLow[slot] as number;
  }

  /** The image that it executes; `NO_IMAGE` when not known. */
  image(slot: number): number {
    return this.#image[slot] as number;
  }

  /** Copies its name, NUL-padded, to `target`. */
  copyComm(slot: number, target: Uint8Array): void {
    const from = slot * COMM_LEN;
    for (let i = 0; i < COMM_LEN; i++) target[i] = this.#comm[from + i] as number;
  }

  /** Slots of all live processes. */
  *liveSlots(): Generator<number> {
    for (let slot = 0; slot < this.#used; slot++) if (this.#state[slot] === LIVE) yield slot;
  }

  /** A process was born: it shares its parent's image. */
  fork(record: Record): number {
    this.#endEarlierLife(record);
    const slot = this.#enter(record);
    this.#bornNs[slot] = record.u64(PROCESS_EVENT.ts_ns);
    if ((this.#image[slot] as number) === NO_IMAGE && record.u8(PROCESS_EVENT.flags) & FLAG_PPID_KNOWN) {
      const parent = this.find(record.u32(PROCESS_EVENT.ppid));
      if (parent !== NO_SLOT) this.#image[slot] = this.images.share(this.#image[parent] as number);
    }
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
    this.#leave(slot, record.u64(PROCESS_EVENT.ts_ns));
    return slot;
  }

  /** A process that ran already: entered unless an event told of it before. Returns its slot. */
  seed(record: Record): number {
    const slot = this.match(record);
    return slot === NO_SLOT ? this.#enter(record) : slot;
  }

  /** Gives a process that has none its image from elsewhere than an event. */
  setImage(slot: number, exe: Uint8Array | null, args: Uint8Array | null, argsCut = false): void {
    const flags =
      (exe ? FLAG_EXE_KNOWN | FLAG_EXE_WHOLE : 0) | (args ? FLAG_ARGS_KNOWN : 0) | (argsCut ? FLAG_ARGS_CUT : 0);
    const image = this.images.create(exe?.length ?? 0, args?.length ?? 0, flags);
    const start = this.images.exeStart(image);
    if (exe) this.images.bytesOf(image).set(exe, start);
    if (args) this.images.bytesOf(image).set(args, start + (exe?.length ?? 0));
    this.#setImage(slot, image);
  }

  /** The process is gone, but nobody told: its exit was lost. */
  reconcileGone(slot: number, nowNs: number): void {
    if (this.#state[slot] !== LIVE) return;
    this.#lostExits++;
    this.#leave(slot, nowNs);
  }

  /** Forgets the exited processes whose time is over. */
  expire(nowNs: number): void {
    while (
      this.#oldestExited !== NO_SLOT &&
      nowNs - (this.#exitedNs[this.#oldestExited] as number) > this.#options.lingerNs
    ) {
      this.#forgetOldest();
    }
  }

  #forgetOldest(): void {
    const slot = this.#oldestExited;
    this.#oldestExited = this.#nextExited[slot] as number;
    if (this.#oldestExited === NO_SLOT) this.#newestExited = NO_SLOT;
    this.#lingering--;
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
    const flags = record.u8(PROCESS_EVENT.flags);
    if (slot === NO_SLOT) {
      // Another process had this pid and lives, as far as we know: its exit was lost.
      const earlier = this.findLive(pid);
      if (earlier !== NO_SLOT) this.reconcileGone(earlier, record.u64(PROCESS_EVENT.ts_ns));
      slot = this.#insert(pid);
      this.#startLow[slot] = 0;
      this.#startHigh[slot] = 0;
    }
    if (flags & FLAG_START_KNOWN) {
      this.#startLow[slot] = record.u32(PROCESS_EVENT.start_ns);
      this.#startHigh[slot] = record.u32(PROCESS_EVENT.start_ns + 4);
    }
    if (flags & FLAG_PPID_KNOWN) this.#ppid[slot] = record.u32(PROCESS_EVENT.ppid);
    this.#flags[slot] = (this.#flags[slot] as number) | (flags & FLAG_PPID_KNOWN);
    this.#uid[slot] = record.u32(PROCESS_EVENT.uid);
    record.copy(PROCESS_EVENT.comm, COMM_LEN, this.#comm, slot * COMM_LEN);
    return slot;
  }

  #insert(pid: number): number {
    const slot = this.#takeSlot();
    const bucket = this.#bucketOf(pid);
    this.#pid[slot] = pid;
    this.#state[slot] = LIVE;
    this.#flags[slot] = 0;
    this.#bornNs[slot] = 0;
    this.#image[slot] = NO_IMAGE;
    this.#next[slot] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = slot;
    this.#live++;
    return slot;
  }

  #leave(slot: number, nowNs: number): void {
    if (this.#state[slot] !== LIVE) return;
    this.#state[slot] = EXITED;
    this.#exitedNs[slot] = nowNs;
    this.#live--;
    this.#lingering++;
    this.#nextExited[slot] = NO_SLOT;
    if (this.#newestExited === NO_SLOT) this.#oldestExited = slot;
    else this.#nextExited[this.#newestExited] = slot;
    this.#newestExited = slot;
    // At once, not at the next expiry: a storm must not make the table larger than it has to be.
    if (this.#lingering > this.#options.lingerMax) this.#forgetOldest();
  }

  #remove(slot: number): void {
    const bucket = this.#bucketOf(this.#pid[slot] as number);
    let at = this.#buckets[bucket] as number;
    if (at === slot) {
      this.#buckets[bucket] = this.#next[slot] as number;
    } else {
      while ((this.#next[at] as number) !== slot) at = this.#next[at] as number;
      this.#next[at] = this.#next[slot] as number;
    }
    this.images.release(this.#image[slot] as number);
    this.#image[slot] = NO_IMAGE;
    this.#state[slot] = FREE;
    this.#next[slot] = this.#freeSlot;
    this.#freeSlot = slot;
  }

  #setImage(slot: number, image: number): void {
    this.images.release(this.#image[slot] as number);
    this.#image[slot] = image;
  }

  #imageFrom(record: Record): number {
    const exeLength = record.u16(EXEC_EVENT.exe_len);
    const argsLength = record.u16(EXEC_EVENT.args_len);
    const flags = record.u8(PROCESS_EVENT.flags);
    const image = this.images.create(
      exeLength,
      argsLength,
      flags & (FLAG_EXE_KNOWN | FLAG_EXE_WHOLE | FLAG_ARGS_KNOWN | FLAG_ARGS_CUT),
    );
    const bytes = this.images.bytesOf(image);
    const start = this.images.exeStart(image);
    record.copy(EXEC_EVENT.size, exeLength + argsLength, bytes, start);
    if (!(flags & FLAG_EXE_WHOLE)) turnPath(bytes, start, exeLength);
    return image;
  }

  #takeSlot(): number {
    if (this.#freeSlot !== NO_SLOT) {
      const slot = this.#freeSlot;
      this.#freeSlot = this.#next[slot] as number;
      return slot;
    }
    if (this.#used === this.#capacity) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    const capacity = 2 * this.#capacity;
    const grown = <T extends Uint8Array | Uint32Array | Int32Array | Float64Array>(column: T, length = capacity): T => {
      const larger = new (column.constructor as new (length: number) => T)(length);
      larger.set(column as never);
      return larger;
    };
    this.#pid = grown(this.#pid);
    this.#ppid = grown(this.#ppid);
    this.#uid = grown(this.#uid);
    this.#flags = grown(this.#flags);
    this.#state = grown(this.#state);
    this.#startLow = grown(this.#startLow);
    this.#startHigh = grown(this.#startHigh);
    this.#bornNs = grown(this.#bornNs);
    this.#exitedNs = grown(this.#exitedNs);
    this.#comm = grown(this.#comm, capacity * COMM_LEN);
    this.#image = grown(this.#image);
    this.#next = grown(this.#next);
    this.#nextExited = grown(this.#nextExited);
    this.#capacity = capacity;
    // Newest first in every bucket: an entry made later has to stand before one made earlier, of the same pid.
    const entries = this.#chainsOldestFirst();
    this.#buckets = new Int32Array(2 * capacity).fill(NO_SLOT);
    for (const slot of entries) {
      const bucket = this.#bucketOf(this.#pid[slot] as number);
      this.#next[slot] = this.#buckets[bucket] as number;
      this.#buckets[bucket] = slot;
    }
  }

  #chainsOldestFirst(): number[] {
    const entries: number[] = [];
    for (const head of this.#buckets) {
      for (let slot = head; slot !== NO_SLOT; slot = this.#next[slot] as number) entries.push(slot);
    }
    return entries.reverse();
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
