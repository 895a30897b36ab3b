import type { RunSummary } from "../wire/summary.ts";
import type { Unwritten } from "../wire/unwritten.ts";
import type { Collector } from "./collector.ts";

/** The last line of a run that took so long. */
export function summaryOf(collector: Collector, durationS: number, unwritten: Unwritten): RunSummary {
  const { page_faults, ...counters } = collector.counters();
  const { user, system } = process.cpuUsage();
  const cpuS = (user + system) / 1e6;
  return {
    type: "summary",
    duration_s: Number(durationS.toFixed(6)),
    ...counters,
    unwritten,
    ...(page_faults ? { page_faults } : {}),
    backend: collector.backend.name,
    missing_fields: [...collector.backend.missingFields],
    cost: {
      user_cpu_s: user / 1e6,
      system_cpu_s: system / 1e6,
      cpu_pct: Number(((100 * cpuS) / durationS).toFixed(4)),
      max_rss_bytes: process.resourceUsage().maxRSS * 1024,
    },
  };
}
