import type { CollectConfig } from "../config/schema.ts";
import type { KernelCounts } from "../probes/counters.ts";
import type { CountByType } from "../wire/event.ts";
import { FULL, ringRate, StormGovernor } from "./storm-governor.ts";

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
  /** CPU time that this process spent on collecting, ns. */
  cpuNs(): number;
  /** CPU time of the kernel side per event, ns; 0 if unknown. */
  kernelNsPerEvent(): number;
}

type StormConfig = Pick<CollectConfig, "budget" | "ring">;

/** The shortest time over which a cost is averaged, ns. */
const WINDOW_NS = 0.5e9;
/** Costs do not count in this time after the start, ns, because loading and compiling happen only once. */
const WARM_UP_NS = 10e9;

/** The storm rate at the start of a run, events per second for each source; 0: no limit. */
export function firstStormRate({ budget, ring }: StormConfig): number {
  return budget.stormRate === "auto" ? ringRate(ring.sizeBytes) : budget.stormRate;
}

function total({ fork, exec, exit }: Readonly<CountByType>): number {
  return fork + exec + exit;
}

/** A change of the storm rate. */
export interface StormRateChange {
  rate: number;
  /**
   * `cost`: lowered because events cost too much. `rings`: lowered because events filled the rings faster than linnix
   * read them. `raised`: back to the first rate.
   */
  kind: "cost" | "rings" | "raised";
}

/** With `--storm-rate auto`: measures the cost of events, and sets the storm rate of the collector accordingly. */
export class StormControl {
  readonly #collector: LimitedCollector;
  readonly #clocks: StormClocks;
  readonly #beganNs: number;
  readonly #onChange: (change: StormRateChange) => void;
  #config: StormConfig;
  #governor: StormGovernor;
  #lastNs: number;
  #lastCpuNs: number;
  #lastSent = 0;
  #lastSuppressed = 0;

  constructor(
    collector: LimitedCollector,
    config: StormConfig,
    clocks: StormClocks,
    onChange: (change: StormRateChange) => void,
  ) {
    this.#collector = collector;
    this.#onChange = onChange;
    this.#config = config;
    this.#clocks = clocks;
    this.#governor = new StormGovernor(ringRate(config.ring.sizeBytes));
    this.#beganNs = clocks.nowNs();
    this.#lastNs = this.#beganNs;
    this.#lastCpuNs = clocks.cpuNs();
  }

  /** Whether the rate is lower than at the start. */
  get isLimited(): boolean {
    return this.#governor.isLimited;
  }

  /** Whether a lower rate would save anything. */
  get canLower(): boolean {
    return this.#config.budget.stormRate === "auto" && this.#governor.canLower;
  }

  /** Call it after each flush. Usually it only reads the clock. */
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
    // Adding up the counts of all CPUs takes time, and the sum matters only while the rate is lowered.
    const isLimited = before < ringRate(this.#config.ring.sizeBytes);
    const suppressed = isLimited ? total(this.#collector.counts().suppressed) : this.#lastSuppressed;
    const sentPerSecond = (sent - this.#lastSent) / seconds;
    const kernelPct = (sentPerSecond * this.#clocks.kernelNsPerEvent()) / 1e7;
    const ringFill = this.#collector.takeRingFill();
    const isWarm = nowNs - this.#beganNs >= WARM_UP_NS;
    const rate = governor.window({
      seconds,
      costPct: (100 * (cpuNs - this.#lastCpuNs)) / elapsedNs + kernelPct,
      budgetPct: isWarm ? this.#config.budget.cpuPct : 0,
      ringFill,
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
    const kind = rate > before ? "raised" : ringFill >= FULL ? "rings" : "cost";
    this.#onChange({ rate, kind });
  }

  /**
   * Takes over changed settings. If the budget has changed, the caller sets the collector's rate to `firstStormRate`.
   */
  reconfigure(config: StormConfig): void {
    if (!Bun.deepEquals(this.#config.budget, config.budget)) {
      this.#governor = new StormGovernor(ringRate(config.ring.sizeBytes));
    }
    this.#config = config;
  }
}
