import type { Status } from "../api/answers.ts";
import type { Row } from "../top/daemon-answers.ts";
import { END_TYPES, endedOf } from "../top/daemon-ends.ts";
import { DaemonRow } from "../top/daemon-row.ts";
import { EndedTotals } from "../top/ended.ts";
import { cpuPctOf, type GroupRow, groupsOf, type ShortLived } from "../top/model.ts";
import type { DetailLevel } from "../wire/detail-level.ts";
import { COUNTED_TYPES, type CountByType, type TotalsEvent } from "../wire/event.ts";
import { Log, logText } from "./log.ts";
import { Series } from "./series.ts";
import { type EndEvent, EndedCommands, SHORT_NS } from "./short-lived.ts";

/** Between two refreshes. */
export const REFRESH_S = 5;
/** Refreshes that the charts show. */
export const POINTS = 36;
/** Above it ends are not followed: handing out each costs the collector more than it may. Again below half of it. */
const MOST_ENDS_PER_SECOND = 3_000;

/** What one refresh got. */
export interface Answers {
  status: Status;
  reasons: readonly string[];
  processes: { live: number; matched: number; processes: readonly Row[] };
}

/** All that the page shows, as of the last refresh. */
export class Model {
  readonly costs = new Series(POINTS);
  readonly rates = new Series(POINTS);
  readonly shorts = new Series(POINTS);
  readonly commands = new EndedCommands();
  readonly log = new Log();
  status: Status | undefined;
  reasons: readonly string[] = [];
  rows: readonly DaemonRow[] = [];
  groups: readonly GroupRow[] = [];
  live = 0;
  /** Events a second since the refresh before, by type; null: there was none. */
  rate: CountByType | null = null;
  /** Short-lived processes since the refresh before; null: the level of detail sends no ends. */
  short: { perSecond: number; cpuPct: number | null } | null = null;
  /** Whether there are too many ends to follow. */
  isTooFast = false;
  readonly #short = new EndedTotals();
  #lastMs = 0;
  /** Whether nothing was asked since the last refresh: what it says of before is no rate. */
  #isInterrupted = true;

  /**
   * @param nowMs a clock that does not go back
   * @param atMs the wall clock
   */
  take({ status, reasons, processes }: Answers, nowMs: number, atMs: number): void {
    const before = this.status;
    const elapsedMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    if (before !== undefined && before.started !== status.started) {
      const text = "the daemon has restarted: counts begin at 0";
      this.log.add({ atMs, text, tone: "bad" });
    }
    const isNext = before?.started === status.started && elapsedMs > 0 && !this.#isInterrupted;
    if (!isNext || before.detail !== status.detail) this.#forget(nowMs);
    this.#isInterrupted = false;
    this.rate = isNext ? rateOf(before.seen, status.seen, elapsedMs) : null;
    this.status = status;
    this.reasons = reasons;
    this.live = processes.live;
    this.rows = processes.processes.map((row) => new DaemonRow(row, () => null));
    const ended = this.#short.take();
    const short = END_TYPES[status.detail] === undefined || this.isTooFast ? null : ended;
    this.groups = groupsOf({ processes: this.rows, short, elapsedMs });
    this.short = isNext && short ? shortRate(short, elapsedMs) : null;
    this.costs.add(costOf(status));
    this.rates.add(this.rate && sumOf(this.rate));
    this.shorts.add(this.short?.perSecond ?? null);
    const ends = this.rate?.exit ?? status.events_per_second ?? 0;
    this.isTooFast = ends > (this.isTooFast ? MOST_ENDS_PER_SECOND / 2 : MOST_ENDS_PER_SECOND);
  }

  /** The types of events that are to be followed now. */
  get wantedTypes(): readonly string[] {
    const detail: DetailLevel = this.status?.detail ?? "events";
    const ends = END_TYPES[detail];
    const wanted = ends === undefined ? ["totals"] : this.isTooFast ? [] : [ends];
    return [...wanted, "lost", "degraded"];
  }

  /** Takes the data of an event. */
  event(type: string, data: unknown, nowMs: number, atMs: number): void {
    const line = logText(type, data);
    if (line !== null) this.log.add({ ...line, atMs });
    else if (type === "exit" || type === "process") this.#ended(data as EndEvent, nowMs);
    else if (type === "totals") this.commands.addTotals(data as TotalsEvent, nowMs / 1000);
  }

  /** Nothing is asked for a while; what is known stays until the next refresh. */
  interrupt(): void {
    if (this.#isInterrupted) return;
    this.#isInterrupted = true;
    for (const series of [this.costs, this.rates, this.shorts]) series.add(null);
  }

  /** Of the last refresh, s. */
  get atS(): number {
    return this.#lastMs / 1000;
  }

  #ended(end: EndEvent, nowMs: number): void {
    if (end.duration_ns === null || end.duration_ns >= SHORT_NS) return;
    this.commands.add(end, nowMs / 1000);
    this.#short.add(endedOf(end));
  }

  #forget(nowMs: number): void {
    this.commands.clear(nowMs / 1000);
    this.#short.take();
  }
}

/** What collecting costs, % of one core; null: not known yet. */
export function costOf({ cost }: Status): number | null {
  return cost.cpu_pct === null ? null : cost.cpu_pct + (cost.in_kernel_cpu_pct ?? 0);
}

function shortRate({ count, cpuNs, cpuUnknown }: ShortLived, elapsedMs: number) {
  const isUnknown = count > 0 && cpuUnknown === count;
  return { perSecond: (count / elapsedMs) * 1e3, cpuPct: isUnknown ? null : cpuPctOf(cpuNs, elapsedMs) };
}

export function sumOf(counts: CountByType): number {
  return COUNTED_TYPES.reduce((sum, type) => sum + counts[type], 0);
}

function rateOf(before: CountByType, now: CountByType, elapsedMs: number): CountByType {
  const rates = COUNTED_TYPES.map((type) => [type, (Math.max(now[type] - before[type], 0) / elapsedMs) * 1e3]);
  return Object.fromEntries(rates) as CountByType;
}
