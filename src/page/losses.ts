import type { Status } from "../api/answers.ts";
import { EVENT_COUNTER_NAMES, SAMPLE_LOSS_NAMES, SAMPLE_LOSSES } from "../wire/counters.ts";
import { COUNTED_TYPES } from "../wire/event.ts";

/** A count of something that is missing. */
export interface Loss {
  what: string;
  count: number;
}

/** All losses since the start of the daemon; empty if nothing is missing. */
export function lossesOf(status: Status): Loss[] {
  const { lost_by_reason, lost_by_cpu, samples, unwritten, page_faults, processes } = status;
  const skipped = COUNTED_TYPES.reduce((sum, type) => sum + status.skipped[type], 0);
  const all: Loss[] = [
    { what: "records lost: the ring of the CPU was full", count: lost_by_reason.ring_full },
    { what: "records lost: the CPU had no ring", count: lost_by_reason.no_ring },
    ...lost_by_cpu.map(({ cpu, lost }) => ({ what: `records lost on CPU ${cpu}, including page faults`, count: lost })),
    { what: "page faults lost", count: page_faults?.lost ?? 0 },
    { what: "tracepoint hits that the kernel skipped", count: skipped },
    {
      what: "processes and threads that the kernel created and linnix did not see",
      count: status.unexplained_forks ?? 0,
    },
    { what: "exits that linnix did not receive", count: processes.lost_exits },
    ...SAMPLE_LOSS_NAMES.map((name) => ({ what: `samples lost: ${SAMPLE_LOSSES[name]}`, count: samples[name] })),
    { what: "threads left out of the CPU time of a process", count: samples.threads_not_summed },
    { what: "lines that were not written to the output", count: unwritten.lines },
    { what: "events that clients missed", count: status.api.missed },
  ];
  return all.filter(({ count }) => count > 0);
}

/** A row of the table of events: a counter, and its count for each type of event. */
export interface BalanceRow {
  name: string;
  counts: readonly number[];
}

/** The rows of the table of events: the counters in the order of the balance, then the lost events. */
export function balanceOf(status: Status): BalanceRow[] {
  const rows = EVENT_COUNTER_NAMES.filter((name) => name !== "skipped").map((name) => ({
    name: name as string,
    counts: COUNTED_TYPES.map((type) => status[name][type]),
  }));
  return [...rows, { name: "lost", counts: COUNTED_TYPES.map((type) => status.lost_by_type[type]) }];
}
