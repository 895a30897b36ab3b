import { figuresOf } from "../../src/overhead/figures.ts";
import type { OverheadReport } from "../../src/overhead/result.ts";
import { quietRun } from "../overhead/raw-run.ts";

/** The report of a quiet run that passes. */
export function exampleReport(more: Partial<OverheadReport> = {}): OverheadReport {
  const raw = more.raw ?? quietRun();
  return {
    schema: "linnix.overhead-test/1",
    version: "1.2.3",
    started: "2026-11-22T15:31:04.000Z",
    incomplete: null,
    host: {
      kernel: "6.1.0",
      arch: "x86_64",
      cpus: 2,
      cpu_model: "A <fast> processor",
      btf: true,
      jit: true,
      virtualization: "kvm",
      steal_pct: 0,
      clocksource: "tsc",
    },
    subject: { kind: "linnix", name: "linnix collect", command: "linnix collect --format jsonl", pids: [4242] },
    options: { baseline_s: 10, duration_s: 60, interval_s: 2, profile: "seed", rate: 100, quick: false, seed: 1 },
    threshold_pct: 1,
    verdict: "PASS",
    reasons: ["total cost averages 0.25 % of one core", "no event was lost"],
    left_out: [],
    ...figuresOf(raw, { thresholdPct: 1, seed: 1 }),
    raw,
    ...more,
  };
}
