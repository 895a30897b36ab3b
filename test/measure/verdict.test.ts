import { describe, expect, test } from "bun:test";
import { judge, type Ledger, type VerdictName } from "../../src/measure/verdict.ts";
import { UNBOUNDED } from "../../src/stats/interval.ts";

const GOOD: Ledger = {
  thresholdPct: 1,
  total: { state: "measured", avgCpuPct: 0.3, ci95: [0.28, 0.32] },
  lost: { state: "measured", events: 0 },
  capture: { state: "measured", spawned: 6000, captured: 6000 },
  slowdown: { state: "measured", pct: 0.1, ci95: [-0.2, 0.4], nullCi95: [-0.3, 0.3] },
};

const total = (avgCpuPct: number, lo: number, hi: number): Partial<Ledger> => ({
  total: { state: "measured", avgCpuPct, ci95: [lo, hi] },
});
const slowdown = (pct: number, lo: number, hi: number, nullCi95?: [number, number]): Partial<Ledger> => ({
  slowdown: { state: "measured", pct, ci95: [lo, hi], ...(nullCi95 ? { nullCi95 } : {}) },
});

describe("judge", () => {
  const table: [name: string, change: Partial<Ledger>, verdict: VerdictName, reason: RegExp][] = [
    ["all proven", {}, "PASS", /total cost averages 0\.3 % of one core .*below 1 %/],
    ["total above", total(1.5, 1.4, 1.6), "FAIL", /total cost averages 1\.5 %.*not below 1 %/],
    ["total's interval contains the threshold", total(0.95, 0.9, 1.1), "INCONCLUSIVE", /interval contains 1 %/],
    ["total's interval ends at the threshold", total(0.9, 0.8, 1), "INCONCLUSIVE", /contains 1 %/],
    ["total's interval begins at the threshold", total(1.1, 1, 1.2), "FAIL", /not below/],
    [
      "total of too few samples",
      total(0.2, ...UNBOUNDED),
      "INCONCLUSIVE",
      /averages 0.2 % of one core, in too few samples/,
    ],
    ["one event lost", { lost: { state: "measured", events: 1 } }, "FAIL", /1 event was lost/],
    ["events lost", { lost: { state: "measured", events: 7 } }, "FAIL", /7 events were lost/],
    [
      "a process missed",
      { capture: { state: "measured", spawned: 100_000, captured: 99_999 } },
      "FAIL",
      /99999 of 100000 processes captured \(99\.99 %\)/,
    ],
    ["no process made", { capture: { state: "measured", spawned: 0, captured: 0 } }, "INCONCLUSIVE", /made no process/],
    ["slowdown above", slowdown(3, 2, 4, [-0.5, 0.5]), "FAIL", /take 3 % longer .*above 1 %/],
    ["slowdown above, no null rounds", slowdown(3, 2, 4), "FAIL", /above 1 %/],
    [
      "slowdown's interval contains the threshold",
      slowdown(0.8, 0.2, 1.4),
      "INCONCLUSIVE",
      /longer .*interval contains 1 %/,
    ],
    [
      "slowdown of too few samples",
      slowdown(0.2, ...UNBOUNDED),
      "INCONCLUSIVE",
      /take 0.2 % longer, in too few samples/,
    ],
    [
      "slowdown above the threshold, but within noise",
      slowdown(3, 2, 4, [-3, 3]),
      "INCONCLUSIVE",
      /overlaps the difference between unwatched blocks/,
    ],
    ["total missing", { total: { state: "missing", why: "no BPF statistics" } }, "INCONCLUSIVE", /no BPF statistics/],
    ["lost missing", { lost: { state: "missing", why: "no summary" } }, "INCONCLUSIVE", /lost events not measured/],
    ["capture missing", { capture: { state: "missing", why: "interrupted" } }, "INCONCLUSIVE", /capture not measured/],
    [
      "slowdown missing",
      { slowdown: { state: "missing", why: "interrupted" } },
      "INCONCLUSIVE",
      /slowdown not measured/,
    ],
    ["slowdown left out", { slowdown: { state: "left-out", why: "not to be stopped" } }, "INCONCLUSIVE", /not to be/],
    ["slowdown excluded", { slowdown: { state: "excluded", why: "--without" } }, "PASS", /^total cost/],
    ["too noisy", { unfit: ["stolen time of 30 %"] }, "INCONCLUSIVE", /stolen time/],
  ];
  for (const [name, change, verdict, reason] of table) {
    test(`${name}: ${verdict}`, () => {
      const { verdict: got, reasons } = judge({ ...GOOD, ...change });
      expect(got).toBe(verdict);
      expect(reasons[0]).toMatch(reason);
    });
  }

  test("a failed part gives FAIL despite unknown parts, and all reasons are listed", () => {
    const { verdict, reasons } = judge({
      ...GOOD,
      ...slowdown(0.8, 0.2, 1.4),
      lost: { state: "measured", events: 3 },
      unfit: ["interrupted"],
    });
    expect(verdict).toBe("FAIL");
    expect(reasons).toHaveLength(3);
    expect(reasons[0]).toMatch(/3 events were lost/);
  });

  test("every failed part has a reason", () => {
    const { reasons } = judge({
      thresholdPct: 1,
      ...total(2, 1.9, 2.1),
      ...slowdown(9, 8, 10),
      lost: { state: "measured", events: 2 },
      capture: { state: "measured", spawned: 2, captured: 1 },
    } as Ledger);
    expect(reasons).toHaveLength(4);
  });

  test("a PASS lists the parts that were not judged", () => {
    const { verdict, reasons } = judge({ ...GOOD, capture: { state: "excluded", why: "--without excludes it" } });
    expect(verdict).toBe("PASS");
    expect(reasons.at(-1)).toBe("capture not judged: --without excludes it");
  });

  test("the verdict is INCONCLUSIVE if nothing was measured", () => {
    const out = { state: "left-out", why: "-" } as const;
    expect(judge({ thresholdPct: 1, total: out, lost: out, capture: out, slowdown: out }).verdict).toBe("INCONCLUSIVE");
  });

  test("a small figure is not rounded to 0", () => {
    expect(judge({ ...GOOD, ...total(0.00421, 0.004, 0.0044) }).reasons[0]).toMatch(/0\.00421 %/);
  });
});
