import { log } from "../config/log.ts";
import type { CollectConfig } from "../config/schema.ts";
import type { KernelCounts } from "../probes/counters.ts";
import type { CountByType } from "../wire/event.ts";
import { ringRate, StormGovernor } from "./storm-governor.ts";

/** What `StormControl` needs of a collector. */
export interface LimitedCollector {
  readonly received: Readonly<CountByType>;
  counts(): Pick<KernelCounts, "suppressed">;
  takeRingFill(): number;
  setStormRate(rate: number, followsRings: boolean): void;
}

export interface StormClocks {
  /** A clock that does not jump, ns. */
  nowNs(): number;
  /** Processor time that this process spent on collecting, ns. */
  cpuNs(): number;
  /** In the kernel half; 0: not known. */
  kernelNsPerEvent(): number;
}

type StormConfig = Pick<CollectConfig, "budget" | "ring">;

/** The shortest time that a cost is an average of. */
const WINDOW_NS = 0.5e9;
/** Loading and compiling happen once: they do not count. */
const WARM_UP_NS = 10e9;
const LOG_EVERY_NS = 60e9;

/** The rate that a run begins with. */
export function firstStormRate({ budget, ring }: StormConfig): number {
  return budget.stormRate === "auto" ? ringRate(ring.sizeBytes) : budget.stormRate;
}

function total({ fork, exec, exit }: Readonly<CountByType>): number {
  return fork + exec + exit;
}

/** With `--storm-rate auto`: measures what events cost, and has the collector limit sources accordingly. */
export class StormControl {
  readonly #collector: LimitedCollector;
  readonly #clocks: StormClocks;
  readonly #beganNs: number;
  #config: StormConfig;
  #governor: StormGovernor;
  #lastNs: number;
  #lastCpuNs: number;
  #lastSent = 0;
  #lastSuppressed = 0;
  #loggedNs = Number.NEGATIVE_INFINITY;

  constructor(collector: LimitedCollector, config: StormConfig, clocks: StormClocks) {
    this.#collector = collector;
    this.#config = config;
    this.#clocks = clocks;
    this.#governor = new StormGovernor(ringRate(config.ring.sizeBytes));
    this.#beganNs = clocks.nowNs();
    this.#lastNs = this.#beganNs;
    this.#lastCpuNs = clocks.cpuNs();
  }

  /** To be called whenever the rings are empty: mostly it asks the clock, and that is all. */
  tick(): void {
    if (this.#config.budget.stormRate !== "auto") return;
    const nowNs = this.#clocks.nowNs();
    const elapsedNs = nowNs - this.#lastNs;
    if (elapsedNs < WINDOW_NS) return;
    const governor = this.#governor;
    const before = governor.rate;
    const seconds = elapsedNs / 1e9;
    const cpuNs = this.#clocks.cpuNs();
    const sent = total(this.#collector.received);
    // The sum over all CPUs costs something, and matters only while there is a limit.
    const isLimited = before < ringRate(this.#config.ring.sizeBytes);
    const suppressed = isLimited ? total(this.#collector.counts().suppressed) : this.#lastSuppressed;
    const sentPerSecond = (sent - this.#lastSent) / seconds;
    const kernelPct = (sentPerSecond * this.#clocks.kernelNsPerEvent()) / 1e7;
    const isWarm = nowNs - this.#beganNs >= WARM_UP_NS;
    const rate = governor.window({
      seconds,
      costPct: (100 * (cpuNs - this.#lastCpuNs)) / elapsedNs + kernelPct,
      budgetPct: isWarm ? this.#config.budget.cpuPct : 0,
      ringFill: this.#collector.takeRingFill(),
      sentPerSecond,
      offeredPerSecond: sentPerSecond + (suppressed - this.#lastSuppressed) / seconds,
    });
    this.#lastNs = nowNs;
    this.#lastCpuNs = cpuNs;
    this.#lastSent = sent;
    this.#lastSuppressed = suppressed;
    if (rate === before) return;
    // From here on the sum matters.
    this.#lastSuppressed = total(this.#collector.counts().suppressed);
    this.#collector.setStormRate(rate, true);
    this.#log(rate, rate < before, nowNs);
  }

  /** Takes over changed settings. The collector has the first rate of these. */
  reconfigure(config: StormConfig): void {
    if (!Bun.deepEquals(this.#config.budget, config.budget)) {
      this.#governor = new StormGovernor(ringRate(config.ring.sizeBytes));
    }
    this.#config = config;
  }

  #log(rate: number, isLower: boolean, nowNs: number): void {
    const line = isLower
      ? `collecting costs too much: a source of more than ${rate} events a second is counted instead of sent`
      : "collecting costs little: sources are limited as at the start again";
    if (nowNs - this.#loggedNs < LOG_EVERY_NS) log.debug(line);
    else log.info(line);
    if (isLower) this.#loggedNs = nowNs;
  }
}
