import { KNOWN_START, PROCESS_EVENT } from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import { NO_IMAGE } from "./image-store.ts";
import { MIN_CAPACITY, TableColumns } from "./table-columns.ts";

/** No entry: `find` returns it if the process is not known. */
export const NO_SLOT = -1;

/** The state of a slot's process. */
export const FREE = 0;
export const LIVE = 1;
export const EXITED = 2;

/** The columns are made smaller when less than this share of them is used. */
const SPARSE = 1 / 8;

/**
 * The memory of the process table: allocates, finds and frees slots. A hash table by pid leads to the slots, the newest
 * process of a pid first. The free slots form a linked list through the columns, and so do those of exited processes.
 */
export class TableSlots {
  #columns = new TableColumns(MIN_CAPACITY);
  #buckets = new Int32Array(2 * MIN_CAPACITY).fill(NO_SLOT);
  #freeSlot = NO_SLOT;
  #end = 0;
  #live = 0;
  #lingering = 0;
  #oldestExited = NO_SLOT;
  #newestExited = NO_SLOT;

  /** Invalid after each `insert` and `compact`, which may replace the columns. */
  get columns(): TableColumns {
    return this.#columns;
  }

  get live(): number {
    return this.#live;
  }

  get lingering(): number {
    return this.#lingering;
  }

  /** One past the highest slot in use. */
  get end(): number {
    return this.#end;
  }

  /** The slot that was retired first; NO_SLOT: there is none. */
  get oldestExited(): number {
    return this.#oldestExited;
  }

  get bytes(): number {
    return this.#columns.bytes + this.#buckets.byteLength;
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

  /** Slot of the process that the record describes, live or lingering; NO_SLOT if the table does not have it. */
  match(record: Record): number {
    const { pid: pids, state, startLow, startHigh, next } = this.#columns;
    const pid = record.u32(PROCESS_EVENT.pid);
    const knowsStart = record.u32(PROCESS_EVENT.known) & KNOWN_START;
    const low = record.u32(PROCESS_EVENT.start_ns);
    const high = record.u32(PROCESS_EVENT.start_ns + 4);
    let slot = this.#buckets[this.#bucketOf(pid)] as number;
    for (; slot !== NO_SLOT; slot = next[slot] as number) {
      if (pids[slot] !== pid) continue;
      // Without a start time this finds the newest process of that pid, if it is alive.
      if (!knowsStart) return state[slot] === LIVE ? slot : NO_SLOT;
      if (startLow[slot] === low && startHigh[slot] === high) return slot;
      // This entry comes from /proc, which does not have the exact start time.
      if (startLow[slot] === 0 && startHigh[slot] === 0 && state[slot] === LIVE) return slot;
    }
    return NO_SLOT;
  }

  /**
   * Slot of the process of that pid and start, live or lingering. An unknown start (both halves 0) matches every start.
   */
  findStarted(pid: number, low: number, high: number): number {
    const { startLow, startHigh } = this.#columns;
    let slot = this.find(pid);
    for (; slot !== NO_SLOT; slot = this.findOlder(slot)) {
      if (startLow[slot] === low && startHigh[slot] === high) return slot;
      if ((low === 0 && high === 0) || (startLow[slot] === 0 && startHigh[slot] === 0)) return slot;
    }
    return NO_SLOT;
  }

  /** Allocates a slot for a live process of which only the pid is known. */
  insert(pid: number): number {
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

  /**
   * Notes when the process of a live slot exited (halves of ns). The slot becomes the last one in the order of exits.
   */
  retire(slot: number, high: number, low: number): void {
    const { state, exitedLow, exitedHigh, nextExited } = this.#columns;
    state[slot] = EXITED;
    exitedLow[slot] = low;
    exitedHigh[slot] = high;
    nextExited[slot] = NO_SLOT;
    if (this.#newestExited === NO_SLOT) this.#oldestExited = slot;
    else nextExited[this.#newestExited] = slot;
    this.#newestExited = slot;
    this.#live--;
    this.#lingering++;
  }

  /** Frees the slot that was retired first. There must be a retired slot. */
  removeOldestExited(): void {
    const slot = this.#oldestExited;
    const { nextExited, state, next } = this.#columns;
    this.#oldestExited = nextExited[slot] as number;
    if (this.#oldestExited === NO_SLOT) this.#newestExited = NO_SLOT;
    this.#lingering--;
    this.#unlink(slot);
    state[slot] = FREE;
    next[slot] = this.#freeSlot;
    this.#freeSlot = slot;
  }

  /** Whether only a small part of the columns is used: see `compact`. */
  get isSparse(): boolean {
    const { capacity } = this.#columns;
    return capacity > MIN_CAPACITY && this.#live + this.#lingering < SPARSE * capacity;
  }

  /** Moves all entries into columns of a suitable size. Slots are invalid after this. */
  compact(): void {
    const oldestFirst = this.#chainsOldestFirst();
    const newSlotOf = new Int32Array(this.#end).fill(NO_SLOT);
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
    this.#end = oldestFirst.length;
    this.#freeSlot = NO_SLOT;
    this.#rehash(oldestFirst);
  }

  #takeSlot(): number {
    if (this.#freeSlot !== NO_SLOT) {
      const slot = this.#freeSlot;
      this.#freeSlot = this.#columns.next[slot] as number;
      return slot;
    }
    if (this.#end === this.#columns.capacity) this.#grow();
    return this.#end++;
  }

  #unlink(slot: number): void {
    const { pid, next } = this.#columns;
    const bucket = this.#bucketOf(pid[slot] as number);
    let at = this.#buckets[bucket] as number;
    if (at === slot) {
      this.#buckets[bucket] = next[slot] as number;
      return;
    }
    while ((next[at] as number) !== slot) at = next[at] as number;
    next[at] = next[slot] as number;
  }

  #grow(): void {
    const entries = this.#chainsOldestFirst();
    this.#columns = this.#columns.grownTo(2 * this.#columns.capacity);
    this.#rehash(entries);
  }

  /** Every bucket has its newest entry first: a later entry must come before an earlier one of the same pid. */
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
    // The kernel assigns pids in order, so their low bits are evenly spread.
    return pid & (this.#buckets.length - 1);
  }
}
