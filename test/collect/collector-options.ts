import type { CollectorOptions } from "../../src/collect/collector-options.ts";
import type { ProbeOptions } from "../../src/probes/backend.ts";

/** Options of probes that report everything. */
export function probeOptions(changes: Partial<ProbeOptions> = {}): ProbeOptions {
  return {
    events: ["fork", "exec", "exit"],
    maxArgsBytes: 1024,
    filters: { pids: [], uids: [], comms: [], cgroup: null, minDurationNs: 0 },
    ...changes,
  };
}

/** Options of a collector that reports everything and samples nothing; only tests of an option have to name it. */
export function collectorOptions(changes: Partial<CollectorOptions> = {}): CollectorOptions {
  return {
    ...probeOptions(),
    backend: "auto",
    ringBytes: 1024 * 1024,
    watermarkBytes: 64 * 1024,
    flushIntervalMs: 20,
    lingerMs: 1000,
    sampleIntervalMs: 0,
    rssThresholdBytes: 0,
    ...changes,
  };
}
