import { expect, test } from "bun:test";
import { frontierOf, growthOf, rowOf } from "../../src/compare/figures.ts";
import { armOf, row, session } from "./made-up.ts";

const OK = { ok: true, version: "x 1" } as const;

test("the turns of a method are added up", () => {
  const arm = armOf("ps", 1000);
  const sessions = [
    session(arm, { looks: { count: 4, elapsedNs: 4.4e9, cpuNs: 40e6, isLoop: true } }),
    session(arm, {
      round: 1,
      use: { elapsedNs: 3e9, cpuNs: 50e6, kernelNs: 0, bytesWritten: 500 },
      processes: 300,
      memoryBytes: 2 << 20,
      seen: 0,
      looks: { count: 4, elapsedNs: 4.4e9, cpuNs: 80e6, isLoop: true },
    }),
    session(armOf("top", 1000), {}),
  ];
  const built = rowOf({ arm, availability: OK, problem: null }, sessions, []);
  expect(built).toMatchObject({
    method: "ps",
    version: "x 1",
    interval_ms: 1000,
    rounds: 2,
    cpu_pct: 1.5,
    kernel_cpu_pct: 0,
    total_cpu_pct: 1.5,
    us_per_process: 150,
    processes_per_second: 100,
    memory_bytes: 2 << 20,
    bytes_written: 1500,
    measured_s: 4,
    seen: 60,
    total: 240,
    capture_pct: 25,
    us_per_look: 15_000,
    looks_per_second: 1,
    slowdown: null,
  });
  expect(built.by_lifetime).toEqual([
    { lifetime_ms: 1, total: 120, seen: 0, capture_pct: 0 },
    { lifetime_ms: 1000, total: 120, seen: 120, capture_pct: 100 },
  ]);
});

test("time in the kernel counts, and is null if it cannot be measured", () => {
  const linnix = armOf("linnix", null);
  const use = { elapsedNs: 1e9, cpuNs: 2e6, kernelNs: 1e6, bytesWritten: 0 };
  const state = (arm: typeof linnix) => ({ arm, availability: OK, problem: null });
  expect(rowOf(state(linnix), [session(linnix, { use, others: 100 })], [])).toMatchObject({
    cpu_pct: 0.2,
    kernel_cpu_pct: 0.1,
    total_cpu_pct: expect.closeTo(0.3),
    // The time is divided over the workload's processes and as many others.
    us_per_process: 15,
    processes_per_second: 200,
  });
  const uncounted = { ...use, kernelNs: null };
  expect(rowOf(state(linnix), [session(linnix, { use: uncounted })], [])).toMatchObject({
    kernel_cpu_pct: null,
    total_cpu_pct: null,
    us_per_process: null,
  });
  // The cost in the kernel is the slowdown, so all processor time of the method is known.
  const strace = armOf("strace", null);
  expect(rowOf(state(strace), [session(strace, { use: uncounted })], [])).toMatchObject({
    kernel_cpu_pct: null,
    total_cpu_pct: 0.2,
  });
});

test("a missing method has a row with the reason, and no figure 0", () => {
  const arm = armOf("auditd", null);
  const availability = { ok: false, reason: "auditd is not installed", hint: "install auditd" } as const;
  expect(rowOf({ arm, availability, problem: null }, [], [])).toMatchObject({
    available: false,
    reports: ["exec", "exit", "args", "status"],
    reason: "auditd is not installed",
    hint: "install auditd",
    rounds: 0,
    cpu_pct: null,
    seen: null,
    capture_pct: null,
    by_lifetime: [],
  });
  expect(rowOf({ arm, availability: OK, problem: "it ended" }, [], [])).toMatchObject({
    available: true,
    reason: "it ended",
    cpu_pct: null,
  });
});

test("the frontier is based on the most frequent looks, and shows the model beside the measurement", () => {
  const rows = [
    row({ method: "proc-scan", interval_ms: 1000, looks_per_second: 1, us_per_look: 9999, capture_pct: 12 }),
    row({ method: "proc-scan", interval_ms: 10, looks_per_second: 100, us_per_look: 500, capture_pct: 99 }),
    row({ method: "linnix", kind: "events" }),
  ];
  expect(frontierOf(rows, [100])).toEqual([
    {
      method: "proc-scan",
      wanted_pct: 95,
      interval_ms: expect.closeTo(100 / 0.95, 6),
      us_per_look: 500,
      cpu_pct: expect.closeTo(0.475, 6),
      possible: true,
      model: [
        { interval_ms: 1000, predicted_pct: 10, measured_pct: 12 },
        { interval_ms: 10, predicted_pct: 100, measured_pct: 99 },
      ],
    },
  ]);
});

test("growth has the cost of one look, and of looks at the interval", () => {
  const step = {
    sleeping: 100,
    processes: 190,
    figures: [
      { method: "ps", usPerLook: 10_000, cpuPct: null },
      { method: "linnix", usPerLook: null, cpuPct: 0.2 },
    ],
    failed: [{ method: "top", reason: "it ended" }],
  };
  expect(growthOf([step], 500, null)).toEqual({
    reason: null,
    sizes: [
      {
        sleeping: 100,
        processes: 190,
        rows: [
          { method: "ps", us_per_look: 10_000, cpu_pct: 2, reason: null },
          { method: "linnix", us_per_look: null, cpu_pct: 0.2, reason: null },
          { method: "top", us_per_look: null, cpu_pct: null, reason: "it ended" },
        ],
      },
    ],
  });
});
