import type { ProcessRow, Refresh } from "../../src/top/model.ts";

export function rowOf(given: Partial<ProcessRow> & { pid: number }): ProcessRow {
  return {
    ppid: 1,
    startNs: BigInt(given.pid) * 1_000_000_000n,
    key: `${given.pid}:${given.pid}000000000`,
    uid: 0,
    user: "root",
    cpuPct: 0,
    rssBytes: 1024 * 1024,
    threads: 1,
    comm: "worker",
    exe: "/usr/bin/worker",
    args: ["worker"],
    argsTruncated: false,
    state: "S",
    place: { cgroup: "/", container: null, pod_uid: null, unit: null },
    ...given,
  };
}

export function refreshOf(given: Partial<Refresh> = {}): Refresh {
  return {
    atMs: 0,
    elapsedMs: 1000,
    source: "this machine",
    backend: "btf",
    missingFields: [],
    cost: { userSpacePct: 0.4, inKernelPct: 0.2, budgetPct: 1, level: 0 },
    eventsPerSecond: 120,
    rates: [1, 2, 120],
    lost: 0,
    processes: [],
    short: { count: 0, cpuNs: 0, cpuUnknown: 0, commands: [], groups: new Map() },
    busyNs: 1e9,
    notes: [],
    ...given,
  };
}
