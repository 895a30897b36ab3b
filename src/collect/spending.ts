import { log } from "../config/log.ts";
import type { CollectConfig } from "../config/schema.ts";
import { formatDurationMs, formatPercent } from "../config/units.ts";
import { WallClock } from "../json/wall-clock.ts";
import type { KernelCounts } from "../probes/counters.ts";
import { boottimeNs, exactBoottimeNs, monotonicNs, ownCpuNs, realtimeOffsetNs } from "../sys/clock.ts";
import { BUDGET_STEPS, type BudgetLevel, type BudgetStep, STEP_TEXTS } from "../wire/budget-steps.ts";
import type { DetailLevel } from "../wire/detail-level.ts";
import type { CountByType, DegradedEvent } from "../wire/event.ts";
import { Budget } from "./budget.ts";
import type { Collector } from "./collector.ts";
import { DetailGovernor, type DetailLimits } from "./detail-governor.ts";
import type { BudgetChange, SamplingLevel } from "./governor.ts";
import { KernelMeter } from "./kernel-meter.ts";
import { intervalsAt, lastLevelOf, setPace } from "./pace.ts";
import { StormControl, type StormRateChange } from "./storm-control.ts";
import { LOWEST_RATE } from "./storm-governor.ts";

/** Time between two lines of the log. The level can change more often; an event reports each change. */
const LOG_EVERY_NS = 60e9;
/** Time between two looks of the detail governor, ns. */
const LOOK_NS = 1e9;

/**
 * Measures what the collector costs while it runs, compares it with the budget, changes the collector's pace, and reports
 * each change.
 */
export class Spending implements Disposable {
  readonly budget: Budget;
  readonly #collector: Collector;
  readonly #notice: (event: DegradedEvent) => void;
  readonly #meter: KernelMeter | undefined;
  readonly #details: DetailGovernor;
  readonly #cpuNs: () => number;
  #looked: { ns: number; cpuNs: number; events: number };
  /** Events when the last window of the budget ended. */
  #window = { seen: 0, sent: 0 };
  readonly #storms: StormControl;
  #config: CollectConfig;
  #notices = 0;
  #logLine: string | undefined;
  #loggedNs = Number.NEGATIVE_INFINITY;

  /**
   * @param collector must be attached already, because its programs are measured
   * @param others returns the CPU time that this process spent on other work than collecting, ns
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
    this.#cpuNs = () => ownCpuNs() - others();
    this.#details = new DetailGovernor(limitsOf(config));
    this.#looked = { ns: monotonicNs(), cpuNs: this.#cpuNs(), events: this.#events() };
    this.#storms = new StormControl(
      collector,
      config,
      { nowNs: monotonicNs, cpuNs: this.#cpuNs, kernelNsPerEvent: () => this.#meter?.nsPerEvent ?? 0 },
      (change) => this.#stormRateChanged(change),
    );
    this.budget = new Budget({
      budgetPct: config.budget.cpuPct,
      lastLevel: lastLevelOf(config),
      canGiveMore: () => this.#storms.canLower || this.#details.isAboutToStepDown,
      clocks: {
        nowNs: monotonicNs,
        cpuNs: this.#cpuNs,
        kernelNs: () => this.#meter?.ns() ?? null,
        sentShare: () => this.#sentShare(),
      },
      onChange: (change) => this.#changed(change),
    });
  }

  /** How much is given up to keep the budget. */
  get level(): BudgetLevel {
    const { isHeldBack, level } = this.#details;
    const step = isHeldBack ? (level as "processes" | "summary") : this.#storms.isLimited ? "storm_rate" : null;
    return step === null ? this.budget.level : (BUDGET_STEPS.indexOf(step) as BudgetLevel);
  }

  get step(): BudgetStep {
    return BUDGET_STEPS[this.level];
  }

  /** The level of detail that the budget allows. */
  get detail(): DetailLevel {
    return this.#details.level;
  }

  /** The budget as the API shows it; null if there is none. */
  get facts(): { level: BudgetLevel; step: BudgetStep; costPct: number | null; budgetPct: number } | null {
    const { costPct, budgetPct } = this.budget;
    return budgetPct === 0 ? null : { level: this.level, step: this.step, costPct, budgetPct };
  }

  /** Sampling is given up before anything else. So it is at its highest level while anything else is given up. */
  get samplingLevel(): SamplingLevel {
    return this.#details.isHeldBack || this.#storms.isLimited ? lastLevelOf(this.#config) : this.budget.level;
  }

  /** CPU time of the kernel side so far, ns; null if unknown. */
  get inKernelNs(): number | null {
    return this.#meter?.ns() ?? null;
  }

  /** Whether it measures the kernel side now, which needs a timer. */
  get isMeasuring(): boolean {
    return this.#meter?.isMeasuring ?? false;
  }

  /** Call it after each flush. Usually it only reads clocks. */
  tick(): void {
    this.budget.tick();
    this.#storms.tick();
    if (this.#details.canStepDown || this.#details.isHeldBack) this.#look();
    const nowNs = boottimeNs();
    this.#meter?.tick(nowNs);
    if (this.#logLine !== undefined) this.#log(nowNs);
  }

  /** Takes over changed settings. */
  reconfigure(config: CollectConfig): void {
    this.#config = config;
    const before = { notices: this.#notices, level: this.level };
    this.#details.setLimits(limitsOf(config));
    this.#storms.reconfigure(config);
    this.budget.setLimits(config.budget.cpuPct, lastLevelOf(config));
    if (this.level !== before.level && this.#notices === before.notices) {
      this.#notify(`the settings have changed: ${STEP_TEXTS[this.step]}`);
    }
  }

  [Symbol.dispose](): void {
    this.#meter?.close();
  }

  #look(): void {
    const now = { ns: monotonicNs(), cpuNs: this.#cpuNs(), events: 0 };
    const elapsedNs = now.ns - this.#looked.ns;
    if (elapsedNs < LOOK_NS) return;
    now.events = this.#events();
    const { cpuNs, events } = this.#looked;
    this.#looked = now;
    const level = this.#details.look({ elapsedNs, events: now.events - events, cpuNs: now.cpuNs - cpuNs });
    if (level === null) return;
    this.#collector.setDetail(level);
    setPace(this.#collector, this.samplingLevel, this.#config);
    const what = this.#details.isHeldBack ? `detail ${level}, no sampling` : `detail ${level} again`;
    const rate = Math.round(((now.events - events) * 1e9) / elapsedNs);
    this.#notify(`${rate} events a second, for a budget of ${formatPercent(this.budget.budgetPct)}: ${what}`);
  }

  #stormRateChanged({ rate, kind }: StormRateChange): void {
    setPace(this.#collector, this.samplingLevel, this.#config);
    const limit = `if a source has more than ${rate} events a second, they are counted instead of sent`;
    if (kind === "raised") this.#notify(`${this.#whyRaised}: ${limit}, as at the start`);
    else if (kind === "rings") this.#notify(`events fill the rings faster than they are read: ${limit}`);
    else this.#notify(`events cost more than the budget of ${formatPercent(this.budget.budgetPct)}: ${limit}`);
  }

  get #whyRaised(): string {
    if (this.budget.budgetPct > 0) return "all events would cost less than the budget";
    return `there are fewer than ${LOWEST_RATE} events a second`;
  }

  #changed(change: BudgetChange): void {
    const { kind } = change;
    // If linnix does not send all events in full detail, their cost does not show what sampling would cost. Sampling
    // comes back after them.
    const isLess = this.#details.isHeldBack || this.#storms.isLimited;
    if (isLess && kind !== "off" && kind !== "exhausted") return;
    if (kind !== "exhausted") setPace(this.#collector, change.level, this.#config);
    this.#notify(reasonOf(change, this.#costPct, this.budget.budgetPct, this.#config));
  }

  get #costPct(): number | null {
    const { costPct } = this.budget;
    return costPct === null ? null : Number(costPct.toFixed(3));
  }

  #notify(reason: string): void {
    this.#notices++;
    const ts_ns = exactBoottimeNs();
    this.#notice({
      type: "degraded",
      time: new WallClock(realtimeOffsetNs()).textAt(ts_ns),
      ts_ns,
      step: this.step,
      level: this.level,
      reason,
      cost_pct: this.#costPct,
      budget_pct: this.budget.budgetPct,
    });
    this.#logLine = reason;
    this.#log(Number(ts_ns));
  }

  #events(): number {
    return costlyEvents(this.#collector.counts());
  }

  #sentShare(): number {
    const counts = this.#collector.counts();
    const [seen, sent] = [total(counts.seen), total(counts.emitted)];
    const before = this.#window;
    this.#window = { seen, sent };
    return seen === before.seen ? 1 : Math.min((sent - before.sent) / (seen - before.seen), 1);
  }

  /** Logs the latest change that is not logged yet, if the last line is old enough. */
  #log(nowNs: number): void {
    if (this.#logLine === undefined || nowNs - this.#loggedNs < LOG_EVERY_NS) return;
    this.#loggedNs = nowNs;
    if (this.level > 0) log.warn(this.#logLine);
    else log.info(this.#logLine);
    this.#logLine = undefined;
  }
}

/**
 * Number of events whose cost depends on the level of detail. Filtered events and suppressed events are not among them.
 */
export function costlyEvents({
  seen,
  filtered,
  suppressed,
}: Pick<KernelCounts, "seen" | "filtered" | "suppressed">): number {
  return total(seen) - total(filtered) - total(suppressed);
}

/** Why the level is what it is, as a sentence; see {@link BudgetChange}. */
export function reasonOf(
  { kind, level }: BudgetChange,
  costPct: number | null,
  budgetPct: number,
  config: Pick<CollectConfig, "sampling" | "ring" | "budget">,
): string {
  if (kind === "off") return "there is no budget any more: the collector does everything as configured";
  const cost = `collecting costs ${costPct ?? "?"}% of a core, of a budget of ${formatPercent(budgetPct)}`;
  if (kind === "exhausted") {
    const hint = config.budget.floor === "summary" ? "" : ": set budget.floor to allow less detail";
    return `${cost}, and nothing is left to give up${hint}`;
  }
  const { sampleMs, flushMs } = intervalsAt(level, config);
  if (level === 0) return `${cost}: the collector does everything as configured again`;
  const sampling = sampleMs > 0 ? `sampling every ${formatDurationMs(sampleMs)}` : "no sampling";
  return `${cost}: ${sampling}, rings are emptied every ${formatDurationMs(flushMs)}`;
}

function limitsOf({ budget, probes }: CollectConfig): DetailLimits {
  return { configured: probes.detail, floor: budget.floor, budgetPct: budget.cpuPct };
}

function total({ fork, exec, exit }: CountByType): number {
  return fork + exec + exit;
}

function openMeter(collector: Collector): KernelMeter | undefined {
  const events = () => {
    const { seen, threads } = collector.counts();
    return seen.fork + seen.exec + seen.exit + threads.started + threads.exited;
  };
  try {
    return new KernelMeter(events, boottimeNs());
  } catch (error) {
    log.debug(`the cost of the kernel side cannot be measured: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}
