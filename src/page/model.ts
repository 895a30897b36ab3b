import type { Commands, Groups, Status } from "../api/answers.ts";
import type { Row } from "../top/daemon-answers.ts";
import { DaemonRow } from "../top/daemon-row.ts";
import { COUNTED_TYPES, type CountByType, type TotalsEvent } from "../wire/event.ts";
import { type CommandList, commandsOf, isCpuUnknown, TotalsCommands } from "./commands.ts";
import { GroupRates, type GroupRow, groupsOfProcesses } from "./groups.ts";
import { Log, logText } from "./log.ts";
import { Series } from "./series.ts";

/** Time between two refreshes. */
export const REFRESH_S = 5;
/** Number of refreshes that the charts show. */
export const POINTS = 36;

/** The answers to the requests of one refresh. */
export interface Answers {
  status: Status;
  /** Null: not requested this time. */
  reasons: readonly string[] | null;
  processes: { live: number; matched: number; processes: readonly Row[] };
  /** Null: the daemon has none at its level of detail; undefined: not requested this time. */
  commands: Commands | null | undefined;
  /** Null: groups are off; undefined: not requested this time. */
  groups: Groups | null | undefined;
}

/** Figures of short-lived processes in the window of `/commands`. */
export interface ShortLived {
  perSecond: number;
  /** % of one core; null: not known. */
  cpuPct: number | null;
  /** % of the CPU time that the machine used; null: not known. */
  busySharePct: number | null;
}

/** All data that the page shows, from the last refresh. */
export class Model {
  readonly costs = new Series(POINTS);
  readonly rates = new Series(POINTS);
  readonly shorts = new Series(POINTS);
  readonly log = new Log();
  status: Status | undefined;
  reasons: readonly string[] = [];
  rows: readonly DaemonRow[] = [];
  groups: readonly GroupRow[] = [];
  /** Whether the daemon reports groups. If not, the page computes them from `rows`. */
  hasGroups = true;
  live = 0;
  /** Events per second since the previous refresh, by type; null if there is no previous one to compare with. */
  rate: CountByType | null = null;
  /** Null if unknown. */
  short: ShortLived | null = null;
  /** Whether ends of processes are reported at all. */
  hasEnds = true;
  readonly #groupRates = new GroupRates();
  readonly #totals = new TotalsCommands();
  #commands: CommandList | null = null;
  #lastMs = 0;
  /** Whether the page has paused since the last refresh. Then no rate is computed from that refresh. */
  #isInterrupted = true;

  /**
   * Takes the answers of a refresh.
   * @param nowMs a monotonic clock
   * @param atMs the wall clock
   */
  take({ status, reasons, processes, commands, groups }: Answers, nowMs: number, atMs: number): void {
    const before = this.status;
    const elapsedMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    if (before !== undefined && before.started !== status.started) {
      const text = "the daemon has restarted: counts begin at 0";
      this.log.add({ atMs, text, tone: "bad" });
    }
    const isNext = before?.started === status.started && elapsedMs > 0 && !this.#isInterrupted;
    if (!isNext || before.detail !== status.detail) this.#totals.clear(nowMs / 1000);
    if (!isNext) this.#groupRates.clear();
    this.#isInterrupted = false;
    this.rate = isNext ? rateOf(before.seen, status.seen, elapsedMs) : null;
    this.status = status;
    if (reasons !== null) this.reasons = reasons;
    this.live = processes.live;
    this.rows = processes.processes.map((row) => new DaemonRow(row, () => null));
    if (commands !== undefined) this.#takeCommands(commands);
    this.#takeGroups(groups, nowMs);
    this.costs.add(costOf(status));
    this.rates.add(this.rate && sumOf(this.rate));
    this.shorts.add(this.short?.perSecond ?? null);
  }

  #takeCommands(commands: Commands | null): void {
    this.#commands = commands && commandsOf(commands);
    this.hasEnds = commands === null || commands.all.short_lived !== null;
    this.short = commands && shortOf(commands);
  }

  #takeGroups(groups: Groups | null | undefined, nowMs: number): void {
    if (groups) this.groups = this.#groupRates.take(groups, nowMs);
    else if (groups === null) this.#groupRates.clear();
    if (groups !== undefined) this.hasGroups = groups !== null;
    if (!this.hasGroups) this.groups = groupsOfProcesses(this.rows);
  }

  /** Commands of short-lived processes in the last minute; at the level of detail `summary`, of all that ended. */
  get commands(): CommandList {
    if (this.status?.detail === "summary") return this.#totals.list(this.#lastMs / 1000);
    return this.#commands ?? { coveredS: 0, rows: [] };
  }

  /** The types of events to follow. They are few, because each event that the daemon sends costs CPU time. */
  get wantedTypes(): readonly string[] {
    const wanted = this.status?.detail === "summary" ? ["totals"] : [];
    return [...wanted, "storm", "lost", "degraded"];
  }

  /** Takes the data of an event. */
  event(type: string, data: unknown, nowMs: number, atMs: number): void {
    const line = logText(type, data);
    if (line !== null) this.log.add({ ...line, atMs });
    else if (type === "totals") this.#totals.add(data as TotalsEvent, nowMs / 1000);
  }

  /** Called when the page stops its requests for a while. The data stays until the next refresh. */
  interrupt(): void {
    if (this.#isInterrupted) return;
    this.#isInterrupted = true;
    for (const series of [this.costs, this.rates, this.shorts]) series.add(null);
  }
}

/** What collecting costs, % of one core; null: not known yet. */
export function costOf({ cost }: Status): number | null {
  return cost.cpu_pct === null ? null : cost.cpu_pct + (cost.in_kernel_cpu_pct ?? 0);
}

function shortOf({ covered_s, all }: Commands): ShortLived | null {
  if (all.short_lived === null || covered_s < 1) return null;
  const isUnknown = isCpuUnknown(all);
  return {
    perSecond: all.short_lived / covered_s,
    cpuPct: isUnknown ? null : all.cpu_pct,
    busySharePct: isUnknown ? null : all.busy_share_pct,
  };
}

export function sumOf(counts: CountByType): number {
  return COUNTED_TYPES.reduce((sum, type) => sum + counts[type], 0);
}

function rateOf(before: CountByType, now: CountByType, elapsedMs: number): CountByType {
  const rates = COUNTED_TYPES.map((type) => [type, (Math.max(now[type] - before[type], 0) / elapsedMs) * 1e3]);
  return Object.fromEntries(rates) as CountByType;
}
