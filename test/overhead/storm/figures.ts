import { noCapture } from "../../../src/overhead/capture.ts";
import type { StormFigures, StormReport } from "../../../src/overhead/storm/result.ts";
import { judgeStorm } from "../../../src/overhead/storm/verdict.ts";

/** A run in which every part passes. */
export function goodFigures(): StormFigures {
  const none = { fork: 0, exec: 0, exit: 0 };
  const emitted = { fork: 4000, exec: 3000, exit: 4000 };
  const suppressed = { fork: 60_000, exec: 0, exit: 60_000 };
  return {
    cost: { before_pct: 0.3, storm_pct: 1.5, most_pct: 1.1, after_pct: 0.3, limit_pct: 1.2 },
    kernel: { pct: 0.4, ns_per_event: 350 },
    events: {
      seen: { fork: 64_000, exec: 3000, exit: 64_000 },
      filtered: none,
      suppressed,
      folded: none,
      emitted,
      received: emitted,
      lost: 0,
      lost_by_type: none,
      lost_by_reason: { ring_full: 0, no_ring: 0 },
    },
    storm: { seconds: 12, sent: 8000, suppressed, exited: { ok: 0, error: 60_000, signal: 0, unknown: 0 } },
    steps: [{ at_s: 2.06, step: "storm_rate", level: 3, reason: "events cost more than the budget", cost_pct: 4.2 }],
    sources: [
      {
        name: "process 7 (linnix)",
        is_ours: true,
        began_s: 2.1,
        suppressed,
        exited: { ok: 0, error: 60_000, signal: 0, unknown: 0 },
        comms: [{ comm: "linnix", count: 120_000 }],
      },
    ],
    neighbour: {
      ...noCapture(),
      spawned: 1850,
      captured: 1850,
      rate_achieved: 50,
      out_of_order: 0,
      most_in_50_ms: 4,
    },
    problem: null,
  };
}

export const BUDGET = { cpu_pct: 1, floor: "events", storm_rate: "auto" } as const;

/** The report of the given figures. */
export function reportOf(figures: StormFigures, incomplete: string | null = null): StormReport {
  return {
    schema: "linnix.overhead-storm/1",
    version: "1.2.3",
    started: "2026-11-30T10:00:00.000Z",
    host: {
      kernel: "6.1.0",
      arch: "x86_64",
      cpus: 2,
      cpu_model: "CPU",
      btf: true,
      jit: true,
      virtualization: "none",
      steal_pct: 0,
      clocksource: "tsc",
    },
    command: "linnix collect --format jsonl",
    options: {
      rate: 50,
      loops: { forkers: 2, shells: 2 },
      warm_up_s: 20,
      storm_s: 12,
      after_s: 5,
      deadline_s: 15,
      seed: 1,
    },
    cgroups: {
      storm: "/linnix-storm-01234567",
      neighbour: "/linnix-neighbour-01234567",
      pids_max: 256,
      cpu: "cpu.weight 1",
      v1_controllers: [],
    },
    budget: BUDGET,
    incomplete,
    ...judgeStorm(figures, BUDGET, incomplete),
    ...figures,
  };
}
