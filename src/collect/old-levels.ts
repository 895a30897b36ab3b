import type { Backend } from "../probes/backend.ts";
import type { StartRange } from "../probes/detail-switch.ts";
import type { ProcessTable } from "../process/table.ts";
import { hasKernelPids } from "../procfs/pid-namespace.ts";
import { NS_PER_CLOCK_TICK, type ProcStat, readProcStat, startNsOf } from "../procfs/proc-stat.ts";
import type { Reconciler } from "./reconciler.ts";
import type { TotalsReports } from "./totals-reports.ts";

export interface OldLevelsParts {
  backend: { readonly name: Backend["name"]; readonly detail: Pick<Backend["detail"], "forget" | "isSwitched"> };
  table: Pick<ProcessTable, "liveSlots" | "pid" | "startNs">;
  reconciler: Pick<Reconciler, "checkedNs" | "mayHide">;
  totals: Pick<TotalsReports, "isOn" | "takenNs">;
}

type ReadStart = (pid: number) => Pick<ProcStat, "startTicks"> | null;

/**
 * Drops levels of detail that no live process has any more. As long as a live process may have an earlier
 * level, the programs look up the level at each event, and linnix must read the totals of that level.
 */
export class OldLevels {
  readonly #read: ReadStart;
  #checkedNs = 0;

  constructor(read: ReadStart = (pid) => (hasKernelPids() ? readProcStat(pid) : null)) {
    this.#read = read;
  }

  /**
   * Looks once after each check of the table.
   * @returns whether a level was forgotten
   */
  look({ backend, table, reconciler, totals }: OldLevelsParts): boolean {
    const { detail } = backend;
    const { checkedNs } = reconciler;
    if (!detail.isSwitched || checkedNs === this.#checkedNs) return false;
    // The totals of processes that this check did not find are still to be reported.
    if (totals.isOn && totals.takenNs < checkedNs) return false;
    this.#checkedNs = checkedNs;
    // Without start times all processes have the present level.
    if (backend.name !== "btf") return detail.forget(BigInt(checkedNs), []);
    // A process that is not on the list may be alive.
    if (reconciler.mayHide(0, 0)) return false;
    const starts: StartRange[] = [];
    for (const slot of table.liveSlots()) {
      const start = this.#startOf(table, slot);
      if (start === undefined) return false;
      starts.push(start);
    }
    return detail.forget(BigInt(checkedNs), starts);
  }

  /**
   * The range in which a process started; undefined if it is unknown, or if the process has ended. The table has no
   * start time of a process that was listed from /proc, and /proc has it only to the tick.
   */
  #startOf(table: OldLevelsParts["table"], slot: number): StartRange | undefined {
    const startNs = table.startNs(slot);
    if (startNs !== 0n) return [startNs, startNs];
    const stat = this.#read(table.pid(slot));
    if (stat === null) return undefined;
    const earliestNs = BigInt(startNsOf(stat.startTicks));
    return [earliestNs, earliestNs + BigInt(NS_PER_CLOCK_TICK)];
  }
}
