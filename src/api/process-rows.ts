import { signalName } from "../process/signal-name.ts";
import type { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import { ancestorsOf, descendantsOf } from "../process/tree.ts";
import type { Graph, Process, Processes } from "./answers.ts";
import type { ProcessQuery } from "./source.ts";

/** Where a process runs; null what is not known, or not so. */
export interface Place {
  cgroup: string | null;
  container: { id: string; runtime: string } | null;
  pod_uid: string | null;
  unit: string | null;
}

/** Names of what the table knows by number. */
export interface Names {
  user(uid: number): string | null;
  group(gid: number): string | null;
  /** Of the process at that slot of the table. */
  place(slot: number): Place | null;
}

const NOWHERE: Place = { cgroup: null, container: null, pod_uid: null, unit: null };
/** Most relatives of a kind in one answer. */
const MAX_RELATIVES = 1000;

/** What the process table knows, as answers. */
export class ProcessRows {
  readonly #table: ProcessTable;
  readonly #names: Names;

  constructor(table: ProcessTable, names: Names) {
    this.#table = table;
    this.#names = names;
  }

  /** Live processes. */
  list(query: ProcessQuery): Processes {
    const table = this.#table;
    const slots: number[] = [];
    const wanted = this.#filter(query);
    for (const slot of table.liveSlots()) if (wanted(slot)) slots.push(slot);
    const matched = slots.length;
    const key = this.#key(query.sort);
    const keys = new Map<number, number>();
    for (const slot of slots) keys.set(slot, key(slot));
    slots.sort((a, b) => (keys.get(b) as number) - (keys.get(a) as number) || table.pid(a) - table.pid(b));
    return { live: table.live, matched, processes: slots.slice(0, query.limit).map((slot) => this.row(slot)) };
  }

  /** The newest process of that pid. */
  one(pid: number): Process | null {
    const slot = this.#table.find(pid);
    return slot === NO_SLOT ? null : this.row(slot);
  }

  /** With what it descends from, nearest first, and what descends from it. */
  graph(pid: number): Graph | null {
    const table = this.#table;
    const slot = table.find(pid);
    if (slot === NO_SLOT) return null;
    const bounds = { maxCount: MAX_RELATIVES };
    const [ancestors, descendants] = [ancestorsOf(table, slot, bounds), descendantsOf(table, slot, bounds)];
    return {
      process: this.row(slot),
      ancestors: ancestors.relatives.map((relative) => this.row(relative.slot)),
      descendants: descendants.relatives.map((relative) => this.row(relative.slot)),
      truncated: ancestors.truncated || descendants.truncated,
    };
  }

  /** One process in the shape that it has in every answer. */
  row(slot: number): Process {
    const table = this.#table;
    const uid = table.uid(slot);
    const gid = table.gid(slot);
    const place = this.#names.place(slot) ?? NOWHERE;
    const startNs = (BigInt(table.startHigh(slot)) << 32n) | BigInt(table.startLow(slot));
    const cpuPct = table.cpuPct(slot);
    const exitedNs = table.exitedNs(slot);
    const status = table.exitStatus(slot);
    const signal = status === undefined ? 0 : status & 0x7f;
    return {
      pid: table.pid(slot),
      ppid: table.ppid(slot) ?? null,
      uid,
      gid,
      user: this.#names.user(uid),
      group: this.#names.group(gid),
      comm: table.comm(slot),
      exe: table.exe(slot),
      args: table.args(slot),
      args_truncated: table.argsTruncated(slot),
      start_ns: startNs || null,
      cgroup_id: table.cgroupId(slot) ?? null,
      cgroup: place.cgroup,
      container: place.container,
      pod_uid: place.pod_uid,
      unit: place.unit,
      cpu_pct: cpuPct === undefined ? null : Math.round(cpuPct * 100) / 100,
      rss_bytes: table.rssBytes(slot) ?? null,
      threads: table.threads(slot) ?? null,
      state: table.isLive(slot) ? "live" : "exited",
      exited_ns: exitedNs === undefined ? null : BigInt(Math.round(exitedNs)),
      exit_code: status === undefined || signal !== 0 ? null : (status >>> 8) & 0xff,
      signal: signal === 0 ? null : signalName(signal),
      core_dumped: status === undefined ? null : (status & 0x80) !== 0,
    };
  }

  #filter({ user, cgroup, comm }: ProcessQuery): (slot: number) => boolean {
    const table = this.#table;
    const names = this.#names;
    const checks: ((slot: number) => boolean)[] = [];
    if (user !== null) {
      const uid = /^\d{1,10}$/.test(user) ? Number(user) : -1;
      checks.push((slot) => table.uid(slot) === uid || names.user(table.uid(slot)) === user);
    }
    if (comm !== null) checks.push((slot) => table.comm(slot) === comm);
    if (cgroup !== null) {
      const below = cgroup.endsWith("/") ? cgroup : `${cgroup}/`;
      checks.push((slot) => {
        const path = names.place(slot)?.cgroup;
        return path != null && (path === cgroup || path.startsWith(below));
      });
    }
    return (slot) => checks.every((check) => check(slot));
  }

  /** What is not known goes last. */
  #key(sort: ProcessQuery["sort"]): (slot: number) => number {
    const table = this.#table;
    if (sort === "cpu") return (slot) => table.cpuPct(slot) ?? -1;
    if (sort === "rss") return (slot) => table.rssBytes(slot) ?? -1;
    return (slot) => table.startHigh(slot) * 4294967296 + table.startLow(slot) || -1;
  }
}
