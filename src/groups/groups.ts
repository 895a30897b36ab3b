import type { Place } from "../cgroup/place.ts";
import { textOf } from "../json/text.ts";
import type { EventView } from "../process/event-view.ts";
import type { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import type { MachineTime } from "../procfs/machine-time.ts";
import type { Group } from "../totals/group.ts";
import { FIRST_SEEN, PROCESS_EVENT, SAMPLE_EVENT, TOTALS_ALL } from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import type { Books } from "./books.ts";
import type { GroupRow } from "./group-row.ts";
import { GroupSlots, type GroupSlotsOptions } from "./group-slots.ts";
import { labelOf, userOf } from "./label.ts";
import { isSameStart, LiveCpu, type LiveProcess } from "./live-cpu.ts";
import { UserTimeAtExits } from "./user-at-exit.ts";

export interface GroupsOptions extends GroupSlotsOptions {
  byComm: boolean;
  table: ProcessTable;
  placeOf(cgroupId: bigint): Place | undefined;
  /** Whether a live process passes the filters. */
  wants(slot: number): boolean;
  /** Whether the kernel side adds the CPU time of a process to its group at the exit. */
  knowsExits: boolean;
  /** See `Books`; null: not all processes are in the groups, and there is nothing to balance. */
  books: Books | null;
}

/** Parent of the kernel's threads. It is itself one of them. */
const KTHREADD = 2;

/** One look at all processes. */
export interface Look {
  nowNs: number;
  /** Scans all processes, and calls `each` with each sample. */
  sweep(each: (record: Record) => void): void;
  /** The machine's clocks. Called after the sweep; null if unknown. */
  machine(): MachineTime | null;
}

/**
 * What happens on the machine, by unit and container. The kernel side adds up starts, execs and ends; scans of the
 * processes add the figures of live ones.
 */
export class Groups {
  readonly slots: GroupSlots;
  readonly books: Books | null;
  readonly #options: GroupsOptions;
  readonly #live = new LiveCpu();
  readonly #userAtExits: UserTimeAtExits;
  /** The groups of the cgroups that the current look has visited. */
  readonly #rowOfCgroup = new Map<bigint, GroupRow>();
  /** When the first look was, CLOCK_BOOTTIME, ns; 0 before it. */
  #beganNs = 0;
  #ksoftirqdNs = 0;

  constructor(options: GroupsOptions) {
    this.#options = options;
    this.slots = new GroupSlots(options);
    this.#userAtExits = new UserTimeAtExits(options.byComm);
    this.books = options.books;
  }

  get byComm(): boolean {
    return this.#options.byComm;
  }

  get knowsExits(): boolean {
    return this.#options.knowsExits;
  }

  /** Number of live processes whose figures are kept. */
  get processes(): number {
    return this.#live.size;
  }

  /** Takes the record of an ended process. */
  ended(view: EventView): void {
    if (this.#beganNs === 0 || !this.knowsExits || view.record.u32(PROCESS_EVENT.ppid) === KTHREADD) return;
    this.#userAtExits.add(view);
  }

  /**
   * Adds the counts of the kernel side. Before the first look it leaves out CPU time, because processes used that
   * before linnix started.
   */
  add(groups: readonly Group[], nowNs: number): void {
    for (const group of groups)
      this.#rowOfTotals(group, nowNs).add(this.#beganNs > 0 ? group : group.withoutCpu(), nowNs);
    for (const { cgroupId, comm, ns } of this.#userAtExits.take())
      this.#rowOfPlace(this.#options.placeOf(cgroupId), comm, nowNs).addCpu(ns, -ns);
  }

  /** To be called after `add`, when the table has all processes that live and no other. */
  look({ nowNs, sweep, machine }: Look): void {
    const { table } = this.#options;
    this.#rowOfCgroup.clear();
    sweep((record) => this.#sampled(record, nowNs));
    for (const row of this.slots.rows()) row.beginCount();
    for (const slot of table.liveSlots()) {
      if (!this.#options.wants(slot)) continue;
      const row = this.#rowOfSlot(slot, nowNs);
      row.countLive(this.#live.seen(table.pid(slot), table.startLow(slot), row), nowNs);
    }
    this.#live.forget((pid, process) => this.#endOf(pid, process, nowNs));
    this.#rowOfCgroup.clear();
    if (this.#beganNs === 0) this.#beganNs = nowNs;
    this.slots.expire(nowNs);
    for (const row of this.slots.rows()) row.settle();
    const time = this.books && machine();
    if (time) this.books?.balance(time, this.slots.cpuNs, this.#ksoftirqdNs);
    this.#ksoftirqdNs = 0;
  }

  #sampled(record: Record, nowNs: number): void {
    const { table, wants } = this.#options;
    const slot = table.refresh(record);
    if (!table.isLive(slot) || !wants(slot)) return;
    const runtimeNs = record.u64(SAMPLE_EVENT.runtime_ns);
    const row = this.#rowOfSlot(slot, nowNs);
    if (row === this.slots.kernel && table.comm(slot).startsWith("ksoftirqd/")) this.#ksoftirqdNs += runtimeNs;
    const isFirst = (record.u32(PROCESS_EVENT.known) & FIRST_SEEN) !== 0;
    const sample = {
      pid: table.pid(slot),
      startLow: table.startLow(slot),
      row,
      runtimeNs,
      isFirst,
      utimeNs: record.u64(SAMPLE_EVENT.utime_ns),
      stimeNs: record.u64(SAMPLE_EVENT.stime_ns),
      rssBytes: record.u64(SAMPLE_EVENT.rss_bytes),
    };
    // CPU time that the first look finds was used before it. So was the time of an older process that is seen only
    // later.
    const isLate = isFirst && record.u64(PROCESS_EVENT.start_ns) < this.#beganNs;
    this.#live.sampled(sample, this.#beganNs > 0 && !isLate);
  }

  #endOf(pid: number, { startLow, row }: LiveProcess, nowNs: number): GroupRow | null | undefined {
    const { table, knowsExits } = this.#options;
    const slot = table.find(pid);
    const isIt = slot !== NO_SLOT && isSameStart(table.startLow(slot), startLow);
    if (isIt && table.isLive(slot)) return null;
    if (!knowsExits) return undefined;
    // The end of the process may be counted in another group than the one where it was seen last.
    const end = isIt ? this.#rowOfSlot(slot, nowNs) : row;
    return this.slots.has(end) ? end : this.slots.other;
  }

  #rowOfSlot(slot: number, nowNs: number): GroupRow {
    const { table, placeOf, byComm } = this.#options;
    if (table.pid(slot) === KTHREADD || table.ppid(slot) === KTHREADD) return this.slots.kernel;
    const cgroupId = table.cgroupId(slot) ?? 0n;
    const known = byComm ? undefined : this.#rowOfCgroup.get(cgroupId);
    if (known) return known;
    const place = placeOf(cgroupId);
    const row = this.#rowOfPlace(place, byComm ? table.comm(slot) : "", nowNs);
    this.#rowOfCgroup.set(cgroupId, row);
    return row;
  }

  #rowOfTotals(group: Group, nowNs: number): GroupRow {
    const { placeOf, byComm } = this.#options;
    if (group.isKernel) return this.slots.kernel;
    if (group.kind & TOTALS_ALL) return this.slots.other;
    const place = placeOf(group.cgroupId);
    const comm = group.isOther ? "other" : textOf(Buffer.from(group.comm, "latin1"));
    return this.#rowOfPlace(place, byComm ? comm : "", nowNs);
  }

  #rowOfPlace(place: Place | undefined, comm: string, nowNs: number): GroupRow {
    return this.slots.rowOf(labelOf(place, comm), userOf(place), nowNs);
  }
}
