import type * as answers from "../api/answers.ts";
import { cpuPctOf, groupsOf, type ProcessRow } from "../top/model.ts";

/** The live processes of a unit or container, and its CPU use. */
export interface GroupRow {
  name: string;
  /** The unit that a container belongs to; empty if there is none. */
  unit: string;
  /** % of one core since the previous refresh; null if unknown. */
  cpuPct: number | null;
  rssBytes: number | null;
  processes: number;
}

/** Least time over which CPU use is computed, ms. The daemon scans the processes at most once a second. */
const LEAST_MS = 1500;
const CONTAINER_ID = /^[0-9a-f]{64}$/;
/** Number of digits of a container id that tools usually show. */
const SHORT_ID = 12;

/** Rows from the daemon's answers to /groups. CPU use is computed from two consecutive answers. */
export class GroupRates {
  /** CPU time by group at an earlier answer, s, and when that was; undefined if there is none. */
  #before: { atMs: number; cpuS: ReadonlyMap<string, number> } | undefined;
  #rates: ReadonlyMap<string, number> = new Map();

  /** Forgets the answers so far. The next one is only a baseline and gives no CPU use. */
  clear(): void {
    this.#before = undefined;
    this.#rates = new Map();
  }

  /** Rows of the groups that have live processes or used CPU time. @param nowMs a monotonic clock */
  take({ groups }: answers.Groups, nowMs: number): GroupRow[] {
    const cpuS = new Map<string, number>();
    const rows = new Map<string, GroupRow>();
    for (const group of groups) {
      const [name, unit] = namesOf(group);
      // With metrics.by_comm, the daemon also splits groups by process name. These parts are added up again.
      const key = `${name}\0${unit}`;
      const row = rows.get(key) ?? { name, unit, cpuPct: null, rssBytes: 0, processes: 0 };
      row.rssBytes = (row.rssBytes ?? 0) + group.rss_bytes;
      row.processes += group.processes;
      rows.set(key, row);
      cpuS.set(key, (cpuS.get(key) ?? 0) + group.cpu_user_s + group.cpu_system_s);
    }
    this.#compare(cpuS, nowMs);
    for (const [key, row] of rows) row.cpuPct = this.#rates.get(key) ?? null;
    return [...rows.values()].filter(({ processes, cpuPct }) => processes > 0 || (cpuPct ?? 0) > 0);
  }

  #compare(cpuS: ReadonlyMap<string, number>, atMs: number): void {
    const before = this.#before;
    if (before !== undefined && atMs - before.atMs < LEAST_MS) return;
    this.#before = { atMs, cpuS };
    if (before === undefined) return;
    // The counts of a new group begin at 0.
    const pctOf = (key: string, now: number) => {
      const usedS = Math.max(now - (before.cpuS.get(key) ?? 0), 0);
      return cpuPctOf(usedS * 1e9, atMs - before.atMs);
    };
    this.#rates = new Map([...cpuS].map(([key, now]) => [key, pctOf(key, now)]));
  }
}

/** Groups computed from a list of live processes, so without the CPU time of ended ones. */
export function groupsOfProcesses(processes: readonly ProcessRow[]): GroupRow[] {
  return groupsOf({ processes, short: null, elapsedMs: 0 }).map(({ name, cpuPct, rssBytes, processes }) => ({
    name,
    unit: "",
    cpuPct,
    rssBytes,
    processes,
  }));
}

function namesOf({ kind, unit, container }: answers.Group): [name: string, unit: string] {
  if (kind === "kernel") return ["kernel threads", ""];
  if (kind === "other") return ["groups without a slot", ""];
  if (container === null) return [unit ?? "in no unit and no container", ""];
  return [CONTAINER_ID.test(container) ? container.slice(0, SHORT_ID) : container, unit ?? ""];
}
