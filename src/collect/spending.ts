import { log } from "../config/log.ts";
import type { CollectConfig } from "../config/schema.ts";
import { formatDurationMs, formatPercent } from "../config/units.ts";
import { WallClock } from "../json/wall-clock.ts";
import { boottimeNs, exactBoottimeNs, monotonicNs, ownCpuNs, realtimeOffsetNs } from "../sys/clock.ts";
import type { DegradedEvent } from "../wire/event.ts";
import { Budget } from "./budget.ts";
import type { Collector } from "./collector.ts";
import type { BudgetChange } from "./governor.ts";
import { KernelMeter } from "./kernel-meter.ts";
import { intervalsAt, lastLevelOf, setPace } from "./pace.ts";

/** Time between two lines of the log. The level can change more often; an event reports each change. */
const LOG_EVERY_NS = 60e9;

/**
 * Measures what the collector costs while it runs, compares it with the budget, changes the collector's pace, and reports
 * each change.
 */
export class Spending implements Disposable {
  readonly budget: Budget;
  readonly #collector: Collector;
  readonly #notice: (event: DegradedEvent) => void;
  readonly #meter: KernelMeter | undefined;
  #config: CollectConfig;
  #logLine: string | undefined;
  #loggedNs = Number.NEGATIVE_INFINITY;

  /**
   * @param collector attached already: its programs are what is measured
   * @param others CPU time of this process that went into something else than collecting, ns
   */
  constructor(
    collector: Collector,
    config: CollectConfig,
    others: () => number,
    notice: (event: DegradedEvent) => void,
  ) {
    this.#collector = collector;
    this.#config = config;
    this.#notice = notice;
    this.#meter = openMeter(collector);
    this.budget = new Budget({
      budgetPct: config.budget.cpuPct,
      lastLevel: lastLevelOf(config),
      clocks: { nowNs: monotonicNs, cpuNs: () => ownCpuNs() - others(), kernelNs: () => this.#meter?.ns() ?? null },
      onChange: (change) => this.#changed(change),
    });
  }

  /** Time in the kernel half so far, ns; null if that is not known. */
  get inKernelNs(): number | null {
    return this.#meter?.ns() ?? null;
  }

  /** Whether it has a timer running. */
  get isMeasuring(): boolean {
    return this.#meter?.isMeasuring ?? false;
  }

  /** Call it whenever the rings are empty: it asks the clock once, and mostly that is all. */
  tick(): void {
    this.budget.tick();
    const nowNs = boottimeNs();
    this.#meter?.tick(nowNs);
    if (this.#logLine !== undefined) this.#log(nowNs);
  }

  /** Takes over changed settings. */
  reconfigure(config: CollectConfig): void {
    this.#config = config;
    this.budget.setLimits(config.budget.cpuPct, lastLevelOf(config));
  }

  [Symbol.dispose](): void {
    this.#meter?.close();
  }

  #changed(change: BudgetChange): void {
    if (change.kind !== "exhausted") setPace(this.#collector, change.level, this.#config);
    const ts_ns = exactBoottimeNs();
    const { costPct, budgetPct } = this.budget;
    const cost_pct = costPct === null ? null : Number(costPct.toFixed(3));
    const reason = reasonOf(change, cost_pct, budgetPct, this.#config);
    this.#notice({
      type: "degraded",
      time: new WallClock(realtimeOffsetNs()).textAt(ts_ns),
      ts_ns,
      level: change.level,
      reason,
      cost_pct,
      budget_pct: budgetPct,
    });
    this.#logLine = reason;
    this.#log(Number(ts_ns));
  }

  /** Logs the latest change that is not logged yet, once the time has come. */
  #log(nowNs: number): void {
    if (this.#logLine === undefined || nowNs - this.#loggedNs < LOG_EVERY_NS) return;
    this.#loggedNs = nowNs;
    if (this.budget.level > 0) log.warn(this.#logLine);
    else log.info(this.#logLine);
    this.#logLine = undefined;
  }
}

/** Why the level is what it is, as a sentence; see {@link BudgetChange}. */
export function reasonOf(
  { kind, level }: BudgetChange,
  costPct: number | null,
  budgetPct: number,
  config: Pick<CollectConfig, "sampling" | "ring">,
): string {
  if (kind === "off") return "there is no budget any more: everything is done as it is set";
  const cost = `collecting costs ${costPct ?? "?"}% of a core, of a budget of ${formatPercent(budgetPct)}`;
  if (kind === "exhausted") return `${cost}, and nothing is left to hold back: process events are never left out`;
  const { sampleMs, flushMs } = intervalsAt(level, config);
  if (level === 0) return `${cost}: everything is done as it is set again`;
  const sampling = sampleMs > 0 ? `sampling every ${formatDurationMs(sampleMs)}` : "no sampling";
  return `${cost}: ${sampling}, rings are emptied every ${formatDurationMs(flushMs)}`;
}

function openMeter(collector: Collector): KernelMeter | undefined {
  const events = () => {
    const { seen, threads } = collector.counts();
    return seen.fork + seen.exec + seen.exit + threads.started + threads.exited;
  };
  try {
    return new KernelMeter(events, boottimeNs());
  } catch (error) {
    log.debug(`what the kernel half costs cannot be measured: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}
