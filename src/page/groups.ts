import type * as answers from "../api/answers.ts";
import { cpuPctOf, groupsOf, type ProcessRow } from "../top/model.ts";

/** The live processes of a unit or container, and the CPU time of all that ran in it. */
export interface GroupRow {
  name: string;
  /** The unit that a container belongs to; empty: none. */
  unit: string;
  /** % of one core since the refresh before; null: not known. */
  cpuPct: number | null;
  rssBytes: number | null;
  processes: number;
}

/** The daemon looks at all processes once a second at most: over less time than this CPU use says nothing. */
const LEAST_MS = 1500;
const CONTAINER_ID = /^[0-9a-f]{64}$/;
/** Digits of such an id that tools show. */
const SHORT_ID = 12;

/** Groups of the daemon's answers; CPU use is the difference of two of them. */
export class GroupRates {
  /** CPU time so far by group, s, and when that was; undefined: there is no answer before. */
  #before: { atMs: number; cpuS: ReadonlyMap<string, number> } | undefined;
  #rates: ReadonlyMap<string, number> = new Map();

  /** Forgets the answers so far. The next one is only a baseline and gives no CPU use. */
  clear(): void {
    this.#before = undefined;
    this.#rates = new Map();
  }

  /** @param nowMs a clock that does not go back */
  take({ groups }: answers.Groups, nowMs: number): GroupRow[] {
    const cpuS = new Map<string, number>();
    const rows = new Map<string, GroupRow>();
    for (const group of groups) {
      const [name, unit] = namesOf(group);
      // Divided by the name of the process as well, where metrics.by_comm is set.
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
    // A group that is new has its counts from 0 on.
    const pctOf = (key: string, now: number) => {
      const usedS = Math.max(now - (before.cpuS.get(key) ?? 0), 0);
      return cpuPctOf(usedS * 1e9, atMs - before.atMs);
    };
    this.#rates = new Map([...cpuS].map(([key, now]) => [key, pctOf(key, now)]));
  }
}

/** Groups made of a list of processes: without what has ended. */
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
  if (kind === "other") return ["groups without a place of their own", ""];
  if (container === null) return [unit ?? "in no unit and no container", ""];
  return [CONTAINER_ID.test(container) ? container.slice(0, SHORT_ID) : container, unit ?? ""];
}
