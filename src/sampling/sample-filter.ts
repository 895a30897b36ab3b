import { CgroupSubtree } from "../cgroup/cgroup-subtree.ts";
import type { FiltersSettings } from "../config/sections/filters.ts";
import { textOf } from "../json/text.ts";
import type { EventView } from "../process/event-view.ts";
import type { ProcessTable } from "../process/table.ts";
import { PROCESS_EVENT } from "../wire/layout.gen.ts";

/**
 * Applies the filters of the kernel side to samples. A scan itself is unfiltered, because the table needs all
 * processes.
 */
export class SampleFilter implements Disposable {
  readonly #filters: FiltersSettings;
  /** The processes of `--pid` and their descendants. */
  readonly #pids: Set<number>;
  readonly #cgroup: CgroupSubtree | undefined;

  constructor(filters: FiltersSettings) {
    this.#filters = filters;
    this.#pids = new Set(filters.pids);
    if (filters.cgroup) this.#cgroup = new CgroupSubtree(filters.cgroup);
  }

  /** Number of processes that are followed and have not ended. */
  get followed(): number {
    return this.#pids.size;
  }

  /** Follows one more process, and its later children. */
  follow(pid: number): void {
    this.#pids.add(pid);
  }

  /** Whether a process is one of `--pid`, or descends from one. */
  follows(pid: number): boolean {
    return this.#pids.has(pid);
  }

  /** Follows the child if its parent is followed. */
  forked(pid: number, ppid: number): void {
    if (this.#pids.has(ppid)) this.#pids.add(pid);
  }

  /** Stops following a process that has ended, because its pid may be reused. */
  exited(pid: number): void {
    this.#pids.delete(pid);
  }

  wants(view: EventView): boolean {
    const { pids, uids, comms } = this.#filters;
    if (pids.length > 0) {
      this.forked(view.pid, view.ppid);
      if (!this.#pids.has(view.pid)) return false;
    }
    if (uids.length > 0 && !uids.includes(view.uid) && !uids.includes(view.euid)) return false;
    if (comms.length > 0 && !comms.includes(textOf(view.comm))) return false;
    if (this.#cgroup === undefined) return true;
    // Samples from /proc have no cgroup.
    if (!view.cgroupKnown) return this.#cgroup.hasProcess(view.pid);
    return this.#cgroup.has(view.record.big(PROCESS_EVENT.cgroup_id), view.pid);
  }

  /** Like `wants`, for a live process of the table. */
  wantsSlot(table: ProcessTable, slot: number): boolean {
    const { pids, uids, comms } = this.#filters;
    const pid = table.pid(slot);
    if (pids.length > 0 && !this.#pids.has(pid)) return false;
    const euid = table.euid(slot);
    const hasUser = uids.includes(table.uid(slot)) || (euid !== undefined && uids.includes(euid));
    if (uids.length > 0 && !hasUser) return false;
    if (comms.length > 0 && !comms.includes(table.comm(slot))) return false;
    if (this.#cgroup === undefined) return true;
    const cgroupId = table.cgroupId(slot);
    return cgroupId === undefined ? this.#cgroup.hasProcess(pid) : this.#cgroup.has(cgroupId, pid);
  }

  close(): void {
    this.#cgroup?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
