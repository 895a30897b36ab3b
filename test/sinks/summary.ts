import { noSamples } from "../../src/wire/counters.ts";
import type { RunSummary } from "../../src/wire/summary.ts";

/** A run of ten seconds, with a different number in every field. */
export const SUMMARY: RunSummary = {
  type: "summary",
  duration_s: 10.25,
  detail: "events",
  running: 90,
  seen: { fork: 105, exec: 107, exit: 109 },
  received: { fork: 101, exec: 102, exit: 103 },
  emitted: { fork: 105, exec: 107, exit: 109 },
  lost: 15,
  lost_by_type: { fork: 4, exec: 5, exit: 6 },
  lost_by_reason: { ring_full: 15, no_ring: 0 },
  lost_by_cpu: [{ cpu: 1, lost: 15 }],
  filtered: { fork: 0, exec: 0, exit: 0 },
  skipped: { fork: 0, exec: 0, exit: 0 },
  folded: { fork: 0, exec: 0, exit: 0 },
  suppressed: { fork: 0, exec: 0, exit: 0 },
  unwritten: { lines: 0, bytes: 0, by_type: { fork: 0, exec: 0, exit: 0, sample: 0, page_fault: 0, other: 0 } },
  samples: { ...noSamples(), emitted: 110 },
  threads: { started: 7, exited: 8 },
  unexplained_forks: 0,
  backend: "btf",
  missing_fields: [],
  cost: { user_cpu_s: 0.02, system_cpu_s: 0.01, cpu_pct: 0.2927, max_rss_bytes: 31 * 2 ** 20 },
};
