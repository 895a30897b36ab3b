import type * as answers from "../api/answers.ts";
import { cpuPctOf } from "../top/model.ts";
import type { TotalsEvent } from "../wire/event.ts";

/** The time that the list covers. */
export const WINDOW_S = 60;

/** Length of a bucket, in which totals are added up. */
const BUCKET_S = 5;
/** Maximum number of names in a bucket. All further names are added up under one name. */
const MAX_NAMES = 500;
const OTHERS = "(others)";

/** Processes of one command that ended in the window. */
export interface CommandRow {
  comm: string;
  count: number;
  /** Number of these that ended with an exit code other than 0 or by a signal; null if unknown. */
  failed: number | null;
  /** % of one core; null if unknown. */
  cpuPct: number | null;
  /** Mean lifetime; null if unknown. */
  lifetimeS: number | null;
  /** Peak memory of the process that used most; null if unknown. */
  peakRssBytes: number | null;
}

/** Ended processes of the window, by command. */
export interface CommandList {
  /** How much of the window is covered, s. */
  coveredS: number;
  rows: readonly CommandRow[];
}

/** The short-lived commands of the daemon's answer, in its order. */
export function commandsOf({ covered_s, commands, all }: answers.Commands): CommandList {
  const isCpuKnown = !isCpuUnknown(all);
  const rows = commands
    .filter(({ short_lived }) => (short_lived ?? 0) > 0)
    .map(({ comm, short_lived, failed, cpu_pct, mean_lifetime_s, peak_rss_bytes }) => ({
      comm,
      count: short_lived ?? 0,
      failed,
      cpuPct: isCpuKnown ? cpu_pct : null,
      lifetimeS: mean_lifetime_s,
      peakRssBytes: peak_rss_bytes,
    }));
  return { coveredS: covered_s, rows };
}

/** Whether the CPU time of no short-lived process is known. */
export function isCpuUnknown({ short_lived, cpu_unknown }: answers.CommandFigures): boolean {
  return short_lived === null || (short_lived > 0 && cpu_unknown === short_lived);
}

/** Sums of one command over some totals. */
interface Sums {
  comm: string;
  count: number;
  failed: number;
  resultUnknown: number;
  cpuNs: number | null;
  peakRssBytes: number | null;
}

interface Bucket {
  /** Start of the bucket, in units of `BUCKET_S`. */
  at: number;
  commands: Map<string, Sums>;
}

/** Sums over processes that ended in the last minute, from the totals at the level of detail `summary`. */
export class TotalsCommands {
  readonly #buckets: Bucket[] = [];
  #sinceS = 0;

  /** @param nowS a monotonic clock */
  clear(nowS: number): void {
    this.#buckets.length = 0;
    this.#sinceS = nowS;
  }

  /** Adds the ended processes of a `totals` event. */
  add(totals: TotalsEvent, nowS: number): void {
    const { ok, error, signal, unknown } = totals.exited;
    const count = (ok ?? 0) + (error ?? 0) + (signal ?? 0) + unknown;
    if (count === 0) return;
    const { exited_cpu_user_ns: user, exited_cpu_system_ns: system } = totals;
    merge(this.#bucket(nowS), {
      comm: totals.other ? OTHERS : totals.comm,
      count,
      failed: (error ?? 0) + (signal ?? 0),
      resultUnknown: unknown,
      cpuNs: user === null || system === null ? null : user + system,
      peakRssBytes: totals.peak_rss_bytes,
    });
  }

  /** The commands with the most ended processes first. */
  list(nowS: number): CommandList {
    this.#expire(nowS);
    const all = new Map<string, Sums>();
    for (const { commands } of this.#buckets) for (const sums of commands.values()) merge(all, sums);
    const coveredS = Math.min(nowS - this.#sinceS, WINDOW_S);
    const elapsedMs = Math.max(coveredS, 1) * 1000;
    const rows = [...all.values()]
      .sort((a, b) => b.count - a.count || (a.comm < b.comm ? -1 : 1))
      .map(({ comm, count, failed, resultUnknown, cpuNs, peakRssBytes }) => ({
        comm,
        count,
        failed: resultUnknown === count ? null : failed,
        cpuPct: cpuNs === null ? null : cpuPctOf(cpuNs, elapsedMs),
        lifetimeS: null,
        peakRssBytes,
      }));
    return { coveredS, rows };
  }

  #bucket(nowS: number): Map<string, Sums> {
    this.#expire(nowS);
    const at = Math.floor(nowS / BUCKET_S);
    let last = this.#buckets.at(-1);
    if (last?.at !== at) {
      last = { at, commands: new Map() };
      this.#buckets.push(last);
    }
    return last.commands;
  }

  #expire(nowS: number): void {
    const oldest = Math.floor((nowS - WINDOW_S) / BUCKET_S);
    while (this.#buckets[0] !== undefined && this.#buckets[0].at <= oldest) this.#buckets.shift();
  }
}

function merge(commands: Map<string, Sums>, sums: Sums): void {
  const comm = commands.size < MAX_NAMES || commands.has(sums.comm) ? sums.comm : OTHERS;
  const found = commands.get(comm);
  if (found === undefined) {
    commands.set(comm, { ...sums, comm });
    return;
  }
  found.count += sums.count;
  found.failed += sums.failed;
  found.resultUnknown += sums.resultUnknown;
  if (sums.cpuNs !== null) found.cpuNs = (found.cpuNs ?? 0) + sums.cpuNs;
  if (sums.peakRssBytes !== null) found.peakRssBytes = Math.max(found.peakRssBytes ?? 0, sums.peakRssBytes);
}
