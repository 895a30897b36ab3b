import { writeStderr } from "../config/log.ts";
import { onlineCpus } from "../sys/cpus.ts";
import { VERSION } from "../version.ts";
import type { RunParts } from "./run-parts.ts";

/**
 * Maximum number of CPUs whose losses are listed: with them, the dump fits into a pipe's buffer, and into one message
 * of the journal.
 */
const MAX_CPUS = 64;

/** Writes the state of a run to stderr, as one line of JSON. The line contains no text from watched processes. */
export function dumpState(run: RunParts): void {
  writeStderr(`${JSON.stringify(stateOf(run))}\n`);
}

/** @returns an object of bounded size */
export function stateOf(run: RunParts) {
  const { phase, config, collector, output, api, spending } = run;
  const { table, backend } = collector;
  const { lost_by_cpu, ...counters } = run.counters();
  const { user, system } = process.cpuUsage();
  const { peakFill, peakDelayS } = collector.ringPeaks;
  return {
    type: "state",
    version: VERSION,
    time: new Date().toISOString(),
    pid: process.pid,
    uptime_s: Number(process.uptime().toFixed(3)),
    phase,
    backend: backend.name,
    detail: backend.detail.level,
    missing_fields: [...backend.missingFields],
    conditions: Object.fromEntries(collector.conditions.active),
    ...counters,
    lost_by_cpu: lost_by_cpu.slice(0, MAX_CPUS),
    out_of_order: collector.outOfOrder,
    wakeups: collector.wakeups,
    rings: {
      cpus_online: onlineCpus().length,
      size_bytes: config.ring.sizeBytes,
      peak_fill_ratio: Number(peakFill.toFixed(4)),
      peak_delay_s: Number(peakDelayS.toFixed(6)),
    },
    table: { live: table.live, lingering: table.lingering, lost_exits: table.lostExits, bytes: table.bytes },
    sampling: collector.samplingSource,
    budget: spending ? { level: spending.budget.level, cost_pct: spending.budget.costPct } : null,
    output: { blocked: output?.isBlocked ?? false, written_bytes: output?.writtenBytes ?? 0 },
    api: api ? { url: api.url, clients: api.clients, connections: api.connections, accept_paused: api.isPaused } : null,
    cost: { user_cpu_s: user / 1e6, system_cpu_s: system / 1e6, rss_bytes: process.memoryUsage.rss() },
  };
}
