import { readdirSync, statSync } from "node:fs";
import type { CgroupRef, FiltersSettings } from "../config/sections/filters.ts";
import { readMembership } from "../identity/proc-cgroup.ts";
import { cgroup2Mount, resolveCgroup } from "../probes/cgroup.ts";
import type { EventView } from "../process/event-view.ts";
import { textOf } from "../process/text.ts";
import { PROCESS_EVENT } from "../wire/layout.gen.ts";

/**
 * The filters that the kernel side holds against events, held against samples: a sweep looks at all processes, for the
 * table wants them all.
 */
export class SampleFilter {
  readonly #filters: FiltersSettings;
  /** Of `--pid` and what descends from it. */
  readonly #pids: Set<number>;
  readonly #cgroup: CgroupSubtree | undefined;

  constructor(filters: FiltersSettings) {
    this.#filters = filters;
    this.#pids = new Set(filters.pids);
    if (filters.cgroup) this.#cgroup = new CgroupSubtree(filters.cgroup);
  }

  /** One more process whose samples are wanted, and those of what it forks. */
  follow(pid: number): void {
    this.#pids.add(pid);
  }

  /** A child of a process that is followed is followed as well. */
  forked(pid: number, ppid: number): void {
    if (this.#pids.has(ppid)) this.#pids.add(pid);
  }

  /** Its pid may soon be another process's. */
  exited(pid: number): void {
    this.#pids.delete(pid);
  }

  wants(view: EventView): boolean {
    const { pids, uids, comms } = this.#filters;
    if (pids.length > 0) {
      this.forked(view.pid, view.ppid);
      if (!this.#pids.has(view.pid)) return false;
    }
    if (uids.length > 0 && !uids.includes(view.uid)) return false;
    if (comms.length > 0 && !comms.includes(textOf(view.comm))) return false;
    if (this.#cgroup === undefined) return true;
    // Samples from /proc tell no cgroup.
    if (!view.cgroupKnown) return this.#cgroup.hasProcess(view.pid);
    return this.#cgroup.has(view.record.big(PROCESS_EVENT.cgroup_id));
  }
}

/** Ids that are remembered, of this subtree and not. */
const MAX_KNOWN_IDS = 65536;

/** A cgroup and all below it, by id; looked up in cgroupfs where an id is new. */
class CgroupSubtree {
  readonly #root: bigint;
  readonly #mount = cgroup2Mount();
  readonly #known = new Map<bigint, boolean>();

  constructor(ref: CgroupRef) {
    this.#root = resolveCgroup(ref).id;
  }

  has(id: bigint): boolean {
    if (!this.#known.has(id)) {
      if (this.#known.size >= MAX_KNOWN_IDS) this.#known.clear();
      if (this.#mount !== undefined) this.#enter(this.#mount, false);
      // Ids are not used twice: what is not there now never will be.
      if (!this.#known.has(id)) this.#known.set(id, false);
    }
    return this.#known.get(id) === true;
  }

  /** Whether a process is in one of them now; not where it has ended meanwhile. */
  hasProcess(pid: number): boolean {
    const path = readMembership(pid)?.v2;
    if (this.#mount === undefined || path === undefined || path === null) return false;
    try {
      return this.has(statSync(this.#mount + path, { bigint: true }).ino);
    } catch {
      // Outside of what is mounted, or gone.
      return false;
    }
  }

  #enter(path: string, isBelow: boolean): void {
    try {
      const { ino } = statSync(path, { bigint: true });
      const isWanted = isBelow || ino === this.#root;
      this.#known.set(ino, isWanted);
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        if (entry.isDirectory()) this.#enter(`${path}/${entry.name}`, isWanted);
      }
    } catch {
      // Gone meanwhile.
    }
  }
}
