import type { WallClock } from "../json/wall-clock.ts";
import type { CpuLosses } from "../probes/counters.ts";
import { exactBoottimeNs } from "../sys/clock.ts";
import { LOSS_REASONS, type LostEvent } from "../wire/event.ts";

/** Records of a CPU that did not reach user space. */
export interface CpuLoss {
  cpu: number;
  lost: number;
}

/** Counts losses: those so far of the CPUs that have any. */
export interface LossCounter {
  lostByCpu(): CpuLosses[];
  /** Another number once anything more was lost: much cheaper to ask for. */
  lossStamp(): number;
}

/** The losses of all that writes to the rings, by the kernel side's own counts. */
export class Losses {
  readonly #counters: readonly LossCounter[];
  readonly #reported = new Map<number, CpuLosses>();
  #reportedStamp = 0;

  constructor(counters: readonly LossCounter[]) {
    this.#counters = counters;
  }

  /** Those so far of the CPUs that have any, in the order of the CPUs. */
  byCpu(): CpuLoss[] {
    return this.#byCpu().map(({ cpu, ring_full, no_ring }) => ({ cpu, lost: ring_full + no_ring }));
  }

  /** Reports each CPU's losses since the last report, an event for each reason. */
  report(clock: WallClock, take: (event: LostEvent) => void): void {
    let stamp = 0;
    for (const counter of this.#counters) stamp += counter.lossStamp();
    if (stamp === this.#reportedStamp) return;
    this.#reportedStamp = stamp;
    for (const losses of this.#byCpu()) {
      const before = this.#reported.get(losses.cpu);
      this.#reported.set(losses.cpu, losses);
      for (const reason of LOSS_REASONS) {
        const count = losses[reason] - (before?.[reason] ?? 0);
        if (count === 0) continue;
        const ts_ns = exactBoottimeNs();
        take({ type: "lost", time: clock.textAt(ts_ns), ts_ns, cpu: losses.cpu, reason, count });
      }
    }
  }

  #byCpu(): CpuLosses[] {
    const sums = new Map<number, CpuLosses>();
    for (const counter of this.#counters) {
      for (const { cpu, ring_full, no_ring } of counter.lostByCpu()) {
        const sum = sums.get(cpu);
        sums.set(cpu, {
          cpu,
          ring_full: ring_full + (sum?.ring_full ?? 0),
          no_ring: no_ring + (sum?.no_ring ?? 0),
        });
      }
    }
    return [...sums.values()].sort((a, b) => a.cpu - b.cpu);
  }
}
