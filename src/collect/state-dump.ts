import type { ApiServer } from "../api/server.ts";
import { writeStderr } from "../config/log.ts";
import type { CollectConfig } from "../config/schema.ts";
import { VERSION } from "../version.ts";
import type { Collector } from "./collector.ts";
import { onlineCpus } from "./online-cpus.ts";
import type { Spending } from "./spending.ts";

/** Most CPUs whose losses are listed: the dump fits a pipe's buffer, and one message of the journal. */
const MAX_CPUS = 64;

export interface DumpParts {
  collector: Collector;
  config: CollectConfig;
  phase: string;
  spending: Spending | undefined;
  api: ApiServer | undefined;
  output: { isBlocked: boolean; writtenBytes: number };
}

/** Writes the state of a run to stderr, as one line of JSON; nothing of it comes from processes of the machine. */
export function dumpState(parts: DumpParts): void {
  writeStderr(`${JSON.stringify(stateOf(parts))}\n`);
}

/** @returns an object of bounded size */
export function stateOf({ collector, config, phase, spending, api, output }: DumpParts) {
  const { table, backend } = collector;
  const { lost_by_cpu, ...counters } = collector.counters();
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
    output: { blocked: output.isBlocked, written_bytes: output.writtenBytes },
    api: api ? { url: api.url, clients: api.clients, connections: api.connections, accept_paused: api.isPaused } : null,
    cost: { user_cpu_s: user / 1e6, system_cpu_s: system / 1e6, rss_bytes: process.memoryUsage.rss() },
  };
}
