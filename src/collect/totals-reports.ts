import { WallClock } from "../json/wall-clock.ts";
import type { Backend } from "../probes/backend.ts";
import type { EventView, PlaceOfEvent } from "../process/event-view.ts";
import type { ProcessTable } from "../process/table.ts";
import { boottimeNs, exactBoottimeNs, realtimeOffsetNs } from "../sys/clock.ts";
import { ofSummary, type TotalsFeed, type TotalsShare } from "../totals/feed.ts";
import { totalsLines } from "../totals/lines.ts";
import { OlderProcesses } from "../totals/older.ts";
import { runningByGroup } from "../totals/running.ts";
import { UsedCpu } from "../totals/used.ts";
import type { TotalsEvent } from "../wire/event.ts";

export interface TotalsReportsParts {
  backend: Backend;
  feed: TotalsFeed;
  table: ProcessTable;
  intervalMs: number;
  /** Updates the table with the live processes. */
  scan(): void;
  isSampling(): boolean;
  /** Whether a live process of the table passes the filters. */
  wants(slot: number): boolean;
  /** Takes the lines of an interval. */
  take(lines: readonly TotalsEvent[]): void;
}

/** What the level `summary` reports: the totals of each interval. */
export class TotalsReports {
  identity: Pick<PlaceOfEvent, "ofCgroupId"> | undefined;
  readonly #parts: TotalsReportsParts;
  readonly #share: TotalsShare;
  readonly #used: UsedCpu;
  readonly #older: OlderProcesses;
  #intervalNs: number;
  #fromNs = exactBoottimeNs();
  #dueNs: number;
  #takenNs = 0;
  #listed = 0;

  constructor(parts: TotalsReportsParts) {
    const { feed, table, intervalMs } = parts;
    this.#parts = parts;
    this.#share = feed.share(() => this.isOn, ofSummary);
    this.#used = new UsedCpu(table);
    this.#older = new OlderProcesses(table, (slot) => this.#isTotalled(slot));
    this.#intervalNs = intervalMs * 1e6;
    this.#dueNs = boottimeNs() + this.#intervalNs;
  }

  /** Whether live processes may be at the level `summary`, so that only totals report them. */
  get isOn(): boolean {
    return this.#parts.backend.detail.levels.has("summary");
  }

  /** Begins the first interval. */
  begin(): void {
    this.#fromNs = exactBoottimeNs();
    this.#dueNs = boottimeNs() + this.#intervalNs;
  }

  /** To be called once the table has been filled at the start. */
  seeded(): void {
    if (this.isOn && this.#parts.backend.name === "btf") this.#older.begin();
  }

  /**
   * When totals were last read, CLOCK_BOOTTIME, ns. If an earlier scan did not find a process, the totals so far
   * include its whole life.
   */
  get takenNs(): number {
    return this.#takenNs;
  }

  /** Number of groups and listed processes that the reports have read so far. */
  get work(): number {
    return this.#parts.feed.placesRead + this.#listed;
  }

  get intervalMs(): number {
    return this.#intervalNs / 1e6;
  }

  setInterval(intervalMs: number): void {
    if (intervalMs * 1e6 === this.#intervalNs) return;
    this.#intervalNs = intervalMs * 1e6;
    this.#dueNs = Math.min(this.#dueNs, boottimeNs() + this.#intervalNs);
  }

  /** To be called at each flush. */
  tick(): void {
    if (!this.isOn) return;
    const nowNs = boottimeNs();
    // A flush slightly before the end of an interval counts as its end. Otherwise the interval would be almost one
    // flush longer.
    if (nowNs < this.#dueNs - EARLY_NS) return;
    this.#dueNs = Math.max(this.#dueNs + this.#intervalNs, nowNs + this.#intervalNs / 2);
    this.report();
  }

  /** Reports what has happened since the last report. */
  report(): void {
    if (!this.isOn) return;
    const { backend, table, scan, isSampling, wants, take } = this.#parts;
    scan();
    this.#listed += table.live;
    this.#takenNs = boottimeNs();
    const toNs = exactBoottimeNs();
    const groups = this.#share.take();
    this.#older.subtract(groups);
    backend.clocks?.ask();
    const usedNs = this.#used.take(groups);
    const lines = totalsLines(
      groups,
      { time: new WallClock(realtimeOffsetNs()).textAt(toNs), fromNs: this.#fromNs, toNs },
      {
        knowsExits: backend.name === "btf",
        running: runningByGroup(table, wants),
        usedNs: isSampling() ? usedNs : null,
        placeOf: (cgroupId) => this.identity?.ofCgroupId?.(cgroupId),
      },
    );
    this.#fromNs = toNs;
    if (lines.length > 0) take(lines);
  }

  /** Counts a sample of a process that passes the filters. */
  note(view: EventView): void {
    if (this.isOn) this.#used.sampled(view, !this.reportsSample(view));
  }

  /** Whether a sample is reported as an event. */
  reportsSample(view: EventView): boolean {
    return !this.isOn || this.#parts.backend.levelOf(view) !== "summary";
  }

  /**
   * Whether the exit of a live process will be in totals. Its level depends on its start, which the table has with the
   * btf backend.
   */
  #isTotalled(slot: number): boolean {
    const { backend, table, wants } = this.#parts;
    return wants(slot) && backend.detail.levelOf(table.startNs(slot)) === "summary";
  }
}

/** A flush counts as the end of an interval if it is at most this early, ns. */
const EARLY_NS = 5e6;
