import { expect, test } from "bun:test";
import type { FrontierRow } from "../../src/compare/report/report.ts";
import { takeHome } from "../../src/compare/sentence.ts";
import { row } from "./made-up.ts";

const PS = row({ method: "ps", interval_ms: 1000, seen: 9, total: 100, total_cpu_pct: 0.9 });
const LINNIX = row({ method: "linnix", kind: "events", seen: 100, total: 100, total_cpu_pct: 0.2 });
const FAR: FrontierRow = {
  method: "ps",
  wanted_pct: 95,
  interval_ms: 1.2,
  us_per_look: 9000,
  cpu_pct: 750,
  possible: false,
  model: [],
};

test("the sentence has the share and the cost of polling and of linnix", () => {
  expect(takeHome([PS, LINNIX], [])).toBe(
    "ps every 1 s saw 9 % of the processes and used 0.90 % CPU; linnix saw 100 % of the processes and used 0.20 % CPU.",
  );
});

test("the sentence has the interval that polling would need, and whether polling can reach it", () => {
  expect(takeHome([PS, LINNIX], [FAR])).toEndWith(
    " To see 95 %, ps would have to look every 1.2 ms, which it cannot: one look takes 9.0 ms (an estimate).",
  );
  const near = { ...FAR, interval_ms: 100, cpu_pct: 9, possible: true };
  expect(takeHome([PS, LINNIX], [near])).toEndWith(
    " To see 95 %, ps would have to look every 100 ms, and would use 9.0 % CPU (an estimate).",
  );
  expect(takeHome([PS], [{ ...FAR, interval_ms: null, cpu_pct: null }])).toEndWith(
    "No interval would let ps see 95 %.",
  );
});

test("the sentence proposes no shorter interval if enough was seen", () => {
  const good = { ...PS, seen: 96 };
  expect(takeHome([good], [FAR])).toBe("ps every 1 s saw 96 % of the processes and used 0.90 % CPU.");
});

test("shares are never rounded up to 100 % or down to 0 %", () => {
  const nearly = { ...LINNIX, seen: 9999, total: 10_000 };
  expect(takeHome([nearly], [])).toContain("saw 99.9 % of");
  expect(takeHome([{ ...PS, seen: 1, total: 10_000 }], [])).toContain("saw 0.1 % of");
  expect(takeHome([{ ...PS, seen: 0 }], [])).toContain("saw 0 % of");
});

test("the sentence names other methods if ps or linnix have no figures", () => {
  const noPs = row({ method: "ps", available: false, reason: "ps is not installed" });
  const top = row({ method: "top", interval_ms: 500, seen: 20, total: 100, total_cpu_pct: 1 });
  const strace = row({
    method: "strace",
    kind: "events",
    seen: 100,
    total: 100,
    total_cpu_pct: 36,
    slowdown: { pct: 470, ci95: [445, 496], us_per_process: 2000, us_ci95: [1900, 2100] },
  });
  expect(takeHome([noPs, top, strace], [])).toBe(
    "top every 500 ms saw 20 % of the processes and used 1.0 % CPU; " +
      "strace saw 100 % of the processes and used 36 % CPU, and slowed a short process by 470 %.",
  );
  expect(takeHome([noPs], [])).toBe("No method could be measured here.");
});
