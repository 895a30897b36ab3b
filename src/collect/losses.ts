import type { WallClock } from "../json/wall-clock.ts";
import type { CpuLosses } from "../probes/counters.ts";
import { exactBoottimeNs } from "../sys/clock.ts";
import { LOSS_REASONS, type LostEvent } from "../wire/event.ts";

/** Records of a CPU that did not reach user space. */
export interface CpuLoss {
  cpu: number;
  lost: number;
}

/** Counts lost records by CPU. */
export interface LossCounter {
  lostByCpu(): CpuLosses[];
  /** Changes whenever more records are lost. Reading it is much cheaper than `lostByCpu`. */
  lossStamp(): number;
}

/** The losses of all programs that write to the rings, from the counts of the kernel side. */
export class Losses {
  readonly #counters: readonly LossCounter[];
  readonly #reported = new Map<number, CpuLosses>();
  #reportedStamp = 0;

  constructor(counters: readonly LossCounter[]) {
    this.#counters = counters;
  }

  /** The losses so far of each CPU that has any, by ascending CPU. */
  byCpu(): CpuLoss[] {
    return this.#byCpu().map(({ cpu, ring_full, no_ring }) => ({ cpu, lost: ring_full + no_ring }));
  }

  /** Reports each CPU's losses since the last report, one event for each CPU and reason. */
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
