import type { ProcessTable } from "../process/table.ts";
import { groupKeyOf } from "./used.ts";

/** Figures of the live processes of a group. */
export interface Running {
  processes: number;
  /** Resident set size of the processes that were sampled. */
  rssBytes: number;
}

/**
 * Live processes of the table by group.
 * @param wants whether a process passes the filters
 */
export function runningByGroup(table: ProcessTable, wants: (slot: number) => boolean): Map<string, Running> {
  const groups = new Map<string, Running>();
  for (const slot of table.liveSlots()) {
    if (!wants(slot)) continue;
    const key = groupKeyOf(table, slot);
    const rssBytes = table.rssBytes(slot) ?? 0;
    const group = groups.get(key);
    if (group) {
      group.processes++;
      group.rssBytes += rssBytes;
    } else {
      groups.set(key, { processes: 1, rssBytes });
    }
  }
  return groups;
}
