import { pidNamespace } from "../../procfs/pid-namespace.ts";
import type { GroundTruth } from "../../workload/ground-truth.ts";

const RANK = { fork: 0, exec: 1, exit: 2 } as const;

/** Checks whether the events of a workload are in an output in the order in which they happened. */
export class OrderCheck {
  readonly #truth: GroundTruth;
  readonly #pidField: "pid" | "ns_pid";
  /** Rank of the last event so far of each process of the workload. */
  readonly #ranks = new Map<number, number>();
  #lastNs = 0;
  #outOfOrder = 0;

  /** @param pidField see `CaptureCheck` */
  constructor(truth: GroundTruth, pidField: "pid" | "ns_pid" = pidNamespace().isInitial ? "pid" : "ns_pid") {
    this.#truth = truth;
    this.#pidField = pidField;
  }

  /** Number of events that come after a later event in the output. */
  get outOfOrder(): number {
    return this.#outOfOrder;
  }

  /** Takes an event of the output. */
  add(event: Record<string, unknown>): void {
    const rank = RANK[event.type as keyof typeof RANK];
    if (rank === undefined) return;
    const tsNs = event.ts_ns as number;
    const index = this.#spawnOf(event[this.#pidField] as number, tsNs);
    if (index === undefined) return;
    if (tsNs < this.#lastNs || rank < (this.#ranks.get(index) ?? 0)) this.#outOfOrder++;
    this.#lastNs = Math.max(this.#lastNs, tsNs);
    this.#ranks.set(index, rank);
  }

  #spawnOf(pid: number, tsNs: number): number | undefined {
    return this.#truth.withPid(pid).find((index) => {
      const { spawnedFromNs, exitedByNs } = this.#truth.at(index);
      return tsNs >= Number(spawnedFromNs) && (exitedByNs === null || tsNs <= Number(exitedByNs));
    });
  }
}
