import type { EventView } from "../process/event-view.ts";
import type { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import { COMM_LEN, PROCESS_EVENT, SAMPLE_EVENT } from "../wire/layout.gen.ts";
import { type Group, keyOf } from "./group.ts";
import { groupOfEnd } from "./group-of-end.ts";

/** The sum of the samples of a process. */
interface Sampled {
  startLow: number;
  /** Its group at the last sample. */
  key: string;
  /** CPU time since its first sample, ns. */
  ns: number;
}

/**
 * CPU time that each group used in an interval. For running processes it comes from samples. For ended processes it is the
 * time that the kernel side counted, minus the time that earlier samples of the same processes already reported.
 */
export class UsedCpu {
  readonly #table: ProcessTable;
  readonly #processes = new Map<number, Sampled>();
  /** Processes that have ended since the last call of `take`, because their pids were reused. */
  #replaced: Sampled[] = [];
  #byGroup = new Map<string, number>();
  /** Negative times that the last call of `take` left for the next one. */
  #debts = new Map<string, number>();
  readonly #comm = new Uint8Array(COMM_LEN);

  constructor(table: ProcessTable) {
    this.#table = table;
  }

  /**
   * Adds the CPU time of a process since its last sample.
   * @param isTotalled whether totals will count the end of the process
   */
  sampled({ record, slot, pid, cpuPct }: EventView, isTotalled: boolean): void {
    // It is unknown when the process used the CPU time of this sample.
    if (Number.isNaN(cpuPct)) return;
    const ns = record.u64(SAMPLE_EVENT.runtime_ns);
    const startLow = record.u32(PROCESS_EVENT.start_ns);
    const key = groupKeyOf(this.#table, slot, this.#comm);
    this.#add(key, ns);
    if (!isTotalled) return;
    const known = this.#processes.get(pid);
    if (known?.startLow === startLow) {
      known.ns += ns;
      known.key = key;
    } else {
      if (known) this.#replaced.push(known);
      this.#processes.set(pid, { startLow, key, ns });
    }
  }

  /**
   * Returns the time by group since the last call, ns. Call it when the table contains only live processes. The time of
   * a group is negative if a process was sampled under one name and ended under another. A negative time is kept until
   * the next call.
   * @param groups groups of the interval, with the CPU time that their ended processes used in their whole life
   */
  take(groups: readonly Group[]): Map<string, number> {
    const byKey = new Map(groups.map((group) => [group.key, group]));
    for (const process of this.#replaced) this.#ended(process, byKey);
    this.#replaced = [];
    for (const [pid, process] of this.#processes) {
      const slot = this.#table.findLive(pid);
      if (slot !== NO_SLOT && this.#table.startLow(slot) === process.startLow) continue;
      this.#ended(process, byKey);
      this.#processes.delete(pid);
    }
    for (const { key, exitedCpuNs } of groups) this.#add(key, exitedCpuNs);
    const used = new Map<string, number>();
    const debts = new Map<string, number>();
    for (const [key, ns] of this.#byGroup) {
      if (ns > 0) used.set(key, ns);
      else if (ns < 0 && !this.#debts.has(key)) debts.set(key, ns);
    }
    this.#debts = debts;
    this.#byGroup = new Map(debts);
    return used;
  }

  /**
   * Subtracts the samples of an ended process, because the group that counted its end includes the time of its whole
   * life.
   */
  #ended({ key, ns }: Sampled, groups: ReadonlyMap<string, Group>): void {
    this.#add(groupOfEnd(key, groups)?.key ?? key, -ns);
  }

  #add(key: string, ns: number): void {
    this.#byGroup.set(key, (this.#byGroup.get(key) ?? 0) + ns);
  }
}

/** The key of the group of a process. */
export function groupKeyOf(table: ProcessTable, slot: number, comm = new Uint8Array(COMM_LEN)): string {
  table.copyComm(slot, comm);
  let name = "";
  for (let at = 0; at < COMM_LEN && comm[at] !== 0; at++) name += String.fromCharCode(comm[at] as number);
  return keyOf(table.cgroupId(slot) ?? 0n, name);
}
