import type { Arm } from "../../src/compare/arms.ts";
import type { CompareReport, CompareRow } from "../../src/compare/report/report.ts";
import type { Session } from "../../src/compare/session.ts";
import { newTally } from "../../src/observers/observer.ts";
import { OBSERVERS } from "../../src/observers/registry.ts";

/** A row of a report in which only the given values are measured. */
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

/** A turn in which 100 processes start in one second. */
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

const EVENT_METHODS = ["linnix", "strace", "auditd", "execsnoop", "forkstat", "bpftrace", "execsnoop+exitsnoop"];
const POLLING_METHODS = ["ps", "ps-log", "top", "pidstat", "proc-scan", "task-iterator", "proc-list"];

/** Every method, with similar figures in a kind; one costs nothing, one sees nothing, two have no cost or no row. */
export function crowdedReport(): CompareReport {
  const events = EVENT_METHODS.map((method, index) =>
    row({ method, kind: "events", us_per_process: 40 + 3 * index, seen: 120, total: 120, capture_pct: 100 }),
  );
  const polling = POLLING_METHODS.flatMap((method, index) => {
    const usPerProcess = index === 1 ? 0 : 30 * (index + 1);
    const seen = index === 3 ? 0 : 25 + index;
    const figures = { method, us_per_look: 1000, processes_per_second: 100, total: 120 };
    return [
      row({ ...figures, interval_ms: 1000, us_per_process: usPerProcess, seen, capture_pct: seen / 1.2 }),
      row({ ...figures, interval_ms: 100, us_per_process: 10 * usPerProcess, seen: 84, capture_pct: 70 }),
    ];
  });
  const frontier = POLLING_METHODS.map((method, index) => ({
    method,
    wanted_pct: 95,
    interval_ms: 20,
    us_per_look: 1000,
    cpu_pct: 5 * (index + 1),
    possible: index % 2 === 0,
    model: [],
  }));
  const others = [
    row({ method: HOSTILE_NAME, kind: "events", us_per_process: 55, seen: 119, total: 120, capture_pct: 99.2 }),
    row({ method: "without-cost", kind: "events", seen: 119, total: 120, capture_pct: 99.2 }),
    row({ method: "gone", rounds: 0, available: false, reason: `no ${HOSTILE_NAME}`, hint: "x".repeat(4096) }),
  ];
  return { ...report([...polling, ...events, ...others]), frontier };
}

/** A very long text with control characters, a direction override and markup. */
export const HOSTILE_NAME = `<script>alert(1)</script>\u202e\u001b[2J${"x".repeat(4096)}`;
