import type { Arm } from "../../src/compare/arms.ts";
import type { CompareReport, CompareRow } from "../../src/compare/report/report.ts";
import type { Session } from "../../src/compare/session.ts";
import { newTally } from "../../src/observers/observer.ts";
import { OBSERVERS } from "../../src/observers/registry.ts";

/** A row of a report with nothing measured but what is given. */
export function row(figures: Partial<CompareRow>): CompareRow {
  return {
    method: "ps",
    kind: "polling",
    available: true,
    reason: null,
    hint: null,
    version: "1",
    interval_ms: null,
    reports: [],
    rounds: 1,
    cpu_pct: null,
    kernel_cpu_pct: null,
    total_cpu_pct: null,
    us_per_process: null,
    processes_per_second: null,
    slowdown: null,
    memory_bytes: null,
    bytes_written: null,
    measured_s: null,
    seen: null,
    total: null,
    capture_pct: null,
    by_lifetime: [],
    looks_per_second: null,
    us_per_look: null,
    rate_achieved: null,
    others_per_second: null,
    lost: null,
    unparsed: null,
    warm_up_s: null,
    aftermath: null,
    ...figures,
  };
}

export function armOf(name: string, intervalMs: number | null): Arm {
  const observer = OBSERVERS.find((each) => each.name === name);
  if (observer === undefined) throw new Error(`no method ${name}`);
  return { id: intervalMs === null ? name : `${name}@${intervalMs}`, observer, intervalMs };
}

/** A turn in which 100 processes came in one second. */
export function session(arm: Arm, figures: Partial<Session>): Session {
  return {
    arm: arm.id,
    round: 0,
    use: { elapsedNs: 1e9, cpuNs: 10e6, kernelNs: 0, bytesWritten: 1000 },
    processes: 100,
    others: 0,
    memoryBytes: 1 << 20,
    total: 120,
    seen: 60,
    byLifetime: [
      { lifetimeMs: 1, total: 60, seen: 0, capturePct: 0 },
      { lifetimeMs: 1000, total: 60, seen: 60, capturePct: 100 },
    ],
    tally: newTally(),
    looks: null,
    intervalMs: arm.intervalMs,
    rateAchieved: 100,
    spawned: 120,
    othersPerSecond: 0,
    spawnUs: 500,
    warmUp: null,
    lives: [],
    ...figures,
  };
}

export function report(rows: CompareRow[]): CompareReport {
  return {
    schema: "linnix.compare/1",
    version: "0.0.0",
    started: "2026-01-02T03:04:05.000Z",
    duration_s: 10,
    complete: true,
    interrupted_by: null,
    host: {
      kernel: "6.1",
      arch: "x86_64",
      cpus: 2,
      cpu_model: "CPU",
      btf: true,
      jit: true,
      virtualization: null,
      steal_pct: 0,
      clocksource: "tsc",
    },
    options: {
      methods: rows.map(({ method }) => method),
      interval_ms: 1000,
      rate: 100,
      duration_ms_per_method: 1000,
      rounds: 1,
      lifetimes: [{ lifetime_ms: 1, share: 1 }],
      processes: [],
      quick: true,
      force_audit: false,
      seed: 1,
    },
    workload: {
      spawned: 100,
      rate_asked: 100,
      rate_achieved: 100,
      lifetimes_ms: [1],
      lived_ms: [{ lifetime_ms: 1, median_ms: 0.8 }],
      others_per_second: 0,
      ordinary_share: 0.2,
    },
    take_home: "one saw more than the other.",
    rows,
    frontier: [],
    growth: { sizes: [], reason: "not asked for" },
    notes: [],
  };
}
