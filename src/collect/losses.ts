import { exactBoottimeNs } from "../libbpf/clock.ts";
import type { WallClock } from "../process/wall-clock.ts";
import type { LostEvent } from "../wire/event.ts";

/** Records that the ring of a CPU had no room for. */
export interface CpuLoss {
  cpu: number;
  lost: number;
}

/** Counts losses: those so far of the CPUs that have any. */
export interface LossCounter {
  lostByCpu(): CpuLoss[];
}

/** The losses of all that writes to the rings, by the kernel side's own counts. */
export class Losses {
  readonly #counters: readonly LossCounter[];
  readonly #told = new Map<number, number>();

  constructor(counters: readonly LossCounter[]) {
    this.#counters = counters;
  }

  /** Those so far of the CPUs that have any, in the order of the CPUs. */
  byCpu(): CpuLoss[] {
    const sums = new Map<number, number>();
    for (const counter of this.#counters) {
      for (const { cpu, lost } of counter.lostByCpu()) sums.set(cpu, (sums.get(cpu) ?? 0) + lost);
    }
    return [...sums].map(([cpu, lost]) => ({ cpu, lost })).sort((a, b) => a.cpu - b.cpu);
  }

  /** Tells of each CPU's losses since they were told of last. */
  tell(clock: WallClock, told: (event: LostEvent) => void): void {
    for (const { cpu, lost } of this.byCpu()) {
      const count = lost - (this.#told.get(cpu) ?? 0);
      if (count === 0) continue;
      this.#told.set(cpu, lost);
      const ts_ns = exactBoottimeNs();
      clock.set(Number(ts_ns >> 32n), Number(ts_ns & 0xffffffffn));
      told({ type: "lost", time: clock.text, ts_ns, cpu, count });
    }
  }
}
