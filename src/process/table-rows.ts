import { textOf } from "../json/text.ts";
import { COMM_LEN, KNOWN_AUID, KNOWN_CGROUP, KNOWN_EFFECTIVE, KNOWN_PPID } from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import { ImageStore } from "./image-store.ts";
import { FREE, LIVE, TableSlots } from "./table-slots.ts";

/** Bits of `process_event.known` that the table sets with the parent and the cgroup. `flags` stores only 8 bits. */
export const KEPT_FLAGS = KNOWN_PPID | KNOWN_CGROUP;
/**
 * Bit of `flags`: the wait status of the exit is known. No bit of `process_event.known` that is stored has this value.
 */
export const STATUS_KNOWN = 128;

/**
 * Read access to the process table. Callers refer to a process by its slot, which is valid until the next event or
 * expiry.
 */
export class TableRows {
  readonly images = new ImageStore();
  protected readonly slots = new TableSlots();
  /** Numbers of the current or latest scan, and of the first scan whose samples are still valid. */
  protected sweep = 1;
  protected firstSweep = 1;

  /** Processes that live, as far as is known. */
  get live(): number {
    return this.slots.live;
  }

  /** Exited processes that are still kept. */
  get lingering(): number {
    return this.slots.lingering;
  }

  /** Memory of columns, buckets and images, bytes. */
  get bytes(): number {
    return this.slots.bytes + this.images.bytes;
  }

  /** One past the highest slot in use. */
  get slotEnd(): number {
    return this.slots.end;
  }

  /** Slot of the newest process of that pid, live or lingering. */
  find(pid: number): number {
    return this.slots.find(pid);
  }

  /** Slot of the live process of that pid. */
  findLive(pid: number): number {
    return this.slots.findLive(pid);
  }

  /** Slot of the next older process of the same pid; NO_SLOT: none is known. */
  findOlder(slot: number): number {
    return this.slots.findOlder(slot);
  }

  /** Slot of the process that the record describes, live or lingering; NO_SLOT if the table does not have it. */
  match(record: Record): number {
    return this.slots.match(record);
  }

  /** Slots of all live processes. */
  *liveSlots(): Generator<number> {
    const { slots } = this;
    for (let slot = 0; slot < slots.end; slot++) if (slots.columns.state[slot] === LIVE) yield slot;
  }

  /** Slots of all processes that are known: live and lingering. */
  *knownSlots(): Generator<number> {
    const { slots } = this;
    for (let slot = 0; slot < slots.end; slot++) if (slots.columns.state[slot] !== FREE) yield slot;
  }

  pid(slot: number): number {
    return this.slots.columns.pid[slot] as number;
  }

  /** The parent according to the last record of the process; undefined if it is not known. */
  ppid(slot: number): number | undefined {
    const { flags, ppid } = this.slots.columns;
    return (flags[slot] as number) & KNOWN_PPID ? ppid[slot] : undefined;
  }

  /** The parent at birth, even if another process has adopted it since; undefined if its fork was not seen. */
  birthPpid(slot: number): number | undefined {
    const { flags, birthPpid, bornNs } = this.slots.columns;
    return (flags[slot] as number) & KNOWN_PPID && bornNs[slot] ? birthPpid[slot] : undefined;
  }

  uid(slot: number): number {
    return this.slots.columns.uid[slot] as number;
  }

  gid(slot: number): number {
    return this.slots.columns.gid[slot] as number;
  }

  /** The effective user, as of its last event; undefined if it is not known. */
  euid(slot: number): number | undefined {
    return this.#known(slot, KNOWN_EFFECTIVE) ? this.slots.columns.euid[slot] : undefined;
  }

  /** The effective group, likewise. */
  egid(slot: number): number | undefined {
    return this.#known(slot, KNOWN_EFFECTIVE) ? this.slots.columns.egid[slot] : undefined;
  }

  /** The login user; undefined if it is not known, or not set. */
  auid(slot: number): number | undefined {
    return this.#known(slot, KNOWN_AUID) ? this.slots.columns.auid[slot] : undefined;
  }

  /** The two halves of its cgroup's id (v2 hierarchy), as of its last event; both 0: not known. */
  cgroupIdLow(slot: number): number {
    return this.slots.columns.cgroupLow[slot] as number;
  }

  cgroupIdHigh(slot: number): number {
    return this.slots.columns.cgroupHigh[slot] as number;
  }

  isCgroupKnown(slot: number): boolean {
    return ((this.slots.columns.flags[slot] as number) & KNOWN_CGROUP) !== 0;
  }

  /** Id of its cgroup in the v2 hierarchy: the inode number of its directory; undefined if it is not known. */
  cgroupId(slot: number): bigint | undefined {
    if (!this.isCgroupKnown(slot)) return undefined;
    return (BigInt(this.cgroupIdHigh(slot)) << 32n) | BigInt(this.cgroupIdLow(slot));
  }

  isLive(slot: number): boolean {
    return this.slots.columns.state[slot] === LIVE;
  }

  /** CLOCK_BOOTTIME of its fork as the events showed it, ns; undefined when its fork was not seen. */
  bornNs(slot: number): number | undefined {
    return this.slots.columns.bornNs[slot] || undefined;
  }

  /**
   * CLOCK_BOOTTIME when it exited, or when linnix found that it was gone, ns, as a double; undefined while it lives.
   */
  exitedNs(slot: number): number | undefined {
    return this.isLive(slot) ? undefined : this.exitedHigh(slot) * 4294967296 + this.exitedLow(slot);
  }

  /** The same time, exact, as two 32-bit halves. They are meaningless while the process lives. */
  exitedHigh(slot: number): number {
    return this.slots.columns.exitedHigh[slot] as number;
  }

  exitedLow(slot: number): number {
    return this.slots.columns.exitedLow[slot] as number;
  }

  /** The status of an exited process, as wait(2) returns it; undefined if it is unknown or the process lives. */
  exitStatus(slot: number): number | undefined {
    const { flags, exitStatus } = this.slots.columns;
    return (flags[slot] as number) & STATUS_KNOWN ? exitStatus[slot] : undefined;
  }

  /** Start time, ns, as two 32-bit halves. Together with the pid it identifies the process. Both 0: not known. */
  startHigh(slot: number): number {
    return this.slots.columns.startHigh[slot] as number;
  }

  startLow(slot: number): number {
    return this.slots.columns.startLow[slot] as number;
  }

  /** The start time as one number, ns; 0n: not known. */
  startNs(slot: number): bigint {
    return (BigInt(this.startHigh(slot)) << 32n) | BigInt(this.startLow(slot));
  }

  /** The image that it executes; `NO_IMAGE` when not known. */
  image(slot: number): number {
    return this.slots.columns.image[slot] as number;
  }

  /**
   * % of one core at the latest scan of all processes. 0 if that scan did not report the process, because it did not
   * run. Undefined if no scan saw the process, or only one did.
   */
  cpuPct(slot: number): number | undefined {
    const { sweep, cpuPct } = this.slots.columns;
    if (!this.#isSampled(slot)) return undefined;
    if (sweep[slot] !== this.sweep) return 0;
    const pct = cpuPct[slot] as number;
    return Number.isNaN(pct) ? undefined : pct;
  }

  /** As of its latest sample, bytes; undefined when there was none. */
  rssBytes(slot: number): number | undefined {
    return this.#isSampled(slot) ? this.slots.columns.rssBytes[slot] : undefined;
  }

  /** As of its latest sample; undefined when there was none. */
  threads(slot: number): number | undefined {
    return this.#isSampled(slot) ? this.slots.columns.threads[slot] : undefined;
  }

  /** The place that `setPlace` set for the process or for its ancestor; 0: none. */
  place(slot: number): number {
    return this.slots.columns.place[slot] as number;
  }

  /** Copies its name, NUL-padded, to `target`. */
  copyComm(slot: number, target: Uint8Array): void {
    const { comm } = this.slots.columns;
    const from = slot * COMM_LEN;
    for (let i = 0; i < COMM_LEN; i++) target[i] = comm[from + i] as number;
  }

  /** Its name, as text. */
  comm(slot: number): string {
    return textOf(this.slots.columns.comm.subarray(slot * COMM_LEN, (slot + 1) * COMM_LEN));
  }

  /** Path of what it executes; null when not known. */
  exe(slot: number): string | null {
    return this.images.exeText(this.image(slot));
  }

  /** Whether `exe` is the end of a longer path; null when it is not known. */
  exeTruncated(slot: number): boolean | null {
    return this.images.exeTruncated(this.image(slot));
  }

  /** Its arguments as of its exec; null when not known. */
  args(slot: number): string[] | null {
    return this.images.argsText(this.image(slot));
  }

  /** Whether arguments are missing from `args`; null when the arguments are not known. */
  argsTruncated(slot: number): boolean | null {
    return this.images.argsTruncated(this.image(slot));
  }

  #known(slot: number, bit: number): boolean {
    return ((this.slots.columns.flags[slot] as number) & bit) !== 0;
  }

  #isSampled(slot: number): boolean {
    return (this.slots.columns.sweep[slot] as number) >= this.firstSweep;
  }
}
