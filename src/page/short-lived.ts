import type { Exit } from "../top/daemon-answers.ts";
import type { TotalsEvent } from "../wire/event.ts";

/** What ends sooner is short-lived: a tool that looks once a second can miss it. */
export const SHORT_NS = 1e9;
/** What the list covers. */
export const WINDOW_S = 60;

/** How often sums start again at 0. */
const BUCKET_S = 5;
/** Names that are kept apart in one of them; the rest is added up as one. */
const MAX_NAMES = 500;
const OTHERS = "(others)";

/** What is read of the event of an end. */
export type EndEvent = Exit & {
  exit_code: number | null;
  signal: string | null;
  args: readonly string[] | null;
  args_truncated: boolean | null;
};

/** Ends of one command in the window. */
export interface CommandRow {
  comm: string;
  count: number;
  /** With another code than 0, or by a signal. */
  failed: number;
  /** Ends of which that is not known. */
  resultUnknown: number;
  /** Null: not known of any. */
  cpuNs: number | null;
  /** Added up; null: not known. */
  durationNs: number | null;
  /** The highest; null: not known. */
  peakRssBytes: number | null;
  /** Arguments of the last one. */
  args: readonly string[] | null;
  argsTruncated: boolean | null;
}

interface Bucket {
  /** Number of its time. */
  at: number;
  commands: Map<string, CommandRow>;
}

/** Ends of processes by command, over the last minute. */
export class EndedCommands {
  readonly #buckets: Bucket[] = [];
  #sinceS = 0;

  /** @param nowS any clock that does not go back */
  clear(nowS: number): void {
    this.#buckets.length = 0;
    this.#sinceS = nowS;
  }

  /** Takes the end of one process, however long it lived. */
  add(end: EndEvent, nowS: number): void {
    const { comm, cpu_user_ns, cpu_system_ns, exit_code, signal } = end;
    merge(this.#bucket(nowS), {
      comm,
      count: 1,
      failed: signal !== null || (exit_code ?? 0) !== 0 ? 1 : 0,
      resultUnknown: signal === null && exit_code === null ? 1 : 0,
      cpuNs: cpu_user_ns === null || cpu_system_ns === null ? null : cpu_user_ns + cpu_system_ns,
      durationNs: end.duration_ns,
      peakRssBytes: end.peak_rss_bytes,
      args: end.args,
      argsTruncated: end.args_truncated,
    });
  }

  /** Takes the ends of a group in an interval: what the level of detail `summary` sends. */
  addTotals(totals: TotalsEvent, nowS: number): void {
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
      durationNs: null,
      peakRssBytes: totals.peak_rss_bytes,
      args: null,
      argsTruncated: null,
    });
  }

  /** The commands of the window, those that ended most often first. */
  rows(nowS: number): CommandRow[] {
    this.#expire(nowS);
    const all = new Map<string, CommandRow>();
    for (const { commands } of this.#buckets) for (const row of commands.values()) merge(all, row);
    return [...all.values()].sort((a, b) => b.count - a.count || (a.comm < b.comm ? -1 : 1));
  }

  /** How much of the window has been watched, s. */
  watchedS(nowS: number): number {
    return Math.min(nowS - this.#sinceS, WINDOW_S);
  }

  #bucket(nowS: number): Map<string, CommandRow> {
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

function merge(commands: Map<string, CommandRow>, row: CommandRow): void {
  const comm = commands.size < MAX_NAMES || commands.has(row.comm) ? row.comm : OTHERS;
  const found = commands.get(comm);
  if (found === undefined) {
    commands.set(comm, { ...row, comm });
    return;
  }
  found.count += row.count;
  found.failed += row.failed;
  found.resultUnknown += row.resultUnknown;
  found.cpuNs = sum(found.cpuNs, row.cpuNs);
  found.durationNs = sum(found.durationNs, row.durationNs);
  if (row.peakRssBytes !== null) found.peakRssBytes = Math.max(found.peakRssBytes ?? 0, row.peakRssBytes);
  if (row.args !== null) [found.args, found.argsTruncated] = [row.args, row.argsTruncated];
}

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : a + b;
}
