import type { RunSummary } from "../wire/summary.ts";
import type { Unwritten } from "../wire/unwritten.ts";
import type { Collector } from "./collector.ts";

/** The last line of a run that took so long. */
export function summaryOf(collector: Collector, durationS: number, unwritten: Unwritten): RunSummary {
  const { emitted, lost, lostByReason, filtered, threadsStarted, threadsExited } = collector.counts();
  const { told, heldBack, unkept, forgotten, leftOutThreads } = collector.samples;
  const { user, system } = process.cpuUsage();
  const cpuS = (user + system) / 1e6;
  return {
    type: "summary",
    duration_s: Number(durationS.toFixed(6)),
    received: { ...collector.received },
    emitted,
    lost: lost.fork + lost.exec + lost.exit,
    lost_by_type: lost,
    lost_by_reason: lostByReason,
    lost_by_cpu: collector.lostByCpu,
    skipped: collector.backend.skipped(),
    filtered,
    suppressed: { fork: 0, exec: 0, exit: 0 },
    unwritten,
    ...(collector.pageFaultCounts ? { page_faults: collector.pageFaultCounts } : {}),
    samples: { told, held_back: heldBack, unkept, forgotten, left_out_threads: leftOutThreads },
    threads: { started: threadsStarted, exited: threadsExited },
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
