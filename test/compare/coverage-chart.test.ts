import { describe, expect, test } from "bun:test";
import { coverageOf } from "../../src/compare/report/cost-coverage.ts";
import { coverageFigure, coverageLines } from "../../src/compare/report/coverage-chart.ts";
import { htmlReport } from "../../src/compare/report/html.ts";
import { textReport } from "../../src/compare/report/text.ts";
import { crowdedReport, report, row } from "./made-up.ts";

const TURNED = "\u202e";
const PIPED = { color: false, columns: null };

describe("places in the chart", () => {
  const { methods, withoutPlace, absent } = coverageOf(crowdedReport());

  test("exist for every method with a cost and a share, in the order of the rows", () => {
    expect(methods.find(({ method }) => method === "ps")?.points).toEqual([
      { usPerProcess: 30, seenPct: 25 / 1.2, text: "ps every 1 s: 21 % seen, 30 µs a process" },
      { usPerProcess: 300, seenPct: 70, text: "ps every 100 ms: 70 % seen, 300 µs a process" },
    ]);
    expect(withoutPlace).toEqual(["without-cost"]);
    expect(absent).toEqual(["gone"]);
  });

  test("of the polling frontier are at its cost for each process", () => {
    const estimateOf = (name: string) => methods.find(({ method }) => method === name)?.estimate;
    // 5 % of a core are 50,000 µs a second, and there are 100 processes a second.
    expect(estimateOf("ps")).toMatchObject({ usPerProcess: 500, seenPct: 95, isPossible: true });
    expect(estimateOf("ps-log")).toMatchObject({ usPerProcess: 1000, isPossible: false });
    expect(estimateOf("linnix")).toBeNull();
  });

  test("do not exist for a frontier without an interval, or a cost that is not a number", () => {
    const rows = [
      row({ method: "ps", interval_ms: 1000, us_per_process: 10, capture_pct: 20, seen: 20, total: 100 }),
      row({ method: "top", us_per_process: Number.NaN, capture_pct: 20 }),
      row({ method: "pidstat", us_per_process: 10, capture_pct: null }),
    ];
    const never = { wanted_pct: 95, interval_ms: null, us_per_look: 1, cpu_pct: null, possible: false, model: [] };
    const coverage = coverageOf({ ...report(rows), frontier: [{ method: "ps", ...never }] });
    expect(coverage.methods.map(({ method, estimate }) => [method, estimate])).toEqual([["ps", null]]);
    expect(coverage.withoutPlace).toEqual(["top", "pidstat"]);
  });
});

describe("the chart on the page", () => {
  const page = htmlReport(crowdedReport());
  const chart = page.slice(page.indexOf("<figure>"), page.indexOf("</figure>"));

  test("comes before every table, once for a screen and once for a phone", () => {
    expect(page.indexOf("<figure>")).toBeLessThan(page.indexOf("<table>"));
    expect(page.indexOf("<figure>")).toBeLessThan(page.indexOf('class="cards"'));
    expect(chart.match(/<svg class="(wide|narrow)"/g)).toHaveLength(2);
    expect(chart).not.toMatch(/NaN|Infinity|undefined|null/);
  });

  test("has one label for each method in it, with external names as text", () => {
    const labels = [...chart.matchAll(/<text class="label[^>]*>([^<]*)</g)].map(([, text]) => text);
    const [wide, narrow] = [labels.slice(0, labels.length / 2), labels.slice(labels.length / 2)];
    expect(wide).toHaveLength(15);
    expect(new Set(wide).size).toBe(15);
    expect(new Set(narrow)).toEqual(new Set(wide));
    expect(wide).toContain("&lt;script&gt;alert(1)&lt;/scrip…");
    expect(page).not.toContain("<script");
    expect(page).not.toContain(TURNED);
    expect(page).not.toContain("\u001b");
  });

  test("has each place in words for screen readers", () => {
    expect(chart).toContain("linnix: 100 % seen, 40 µs a process.");
    expect(chart).toContain("ps: 95 % would need a look every 20 ms, 500 µs a process (an estimate).");
    expect(chart).toContain("Not measured: gone.");
  });

  test("is omitted without any place", () => {
    expect(coverageFigure(report([row({ rounds: 0, available: false })]))).toEqual([]);
    expect(coverageLines(report([]), PIPED)).toEqual([]);
  });
});

describe("the chart on the terminal", () => {
  test("comes first, within its columns, with a letter for each method", () => {
    for (const columns of [50, 80, 200]) {
      const lines = coverageLines(crowdedReport(), { color: false, columns });
      expect(lines.filter((line) => Bun.stringWidth(line) > columns)).toEqual([]);
      expect(lines.length).toBeLessThan(columns < 80 ? 26 : 24);
      const plot = lines.slice(2, 13).join("\n");
      for (const letter of "abcdefghijklmno") expect(plot).toContain(letter);
    }
    const text = textReport(crowdedReport(), PIPED);
    expect(text.indexOf("Cost against coverage")).toBeLessThan(text.indexOf("What was measured"));
    expect(text).toContain("a ps, b ps-log");
    expect(text).toContain("Without a known cost: without-cost. Not measured: gone.");
    expect(text).not.toContain(TURNED);
    expect(text).not.toContain("\u001b");
  });

  test("has rows by the seen share, with 0 in the last row, and a separate column for a cost of 0", () => {
    const lines = coverageLines(crowdedReport(), PIPED);
    expect(lines[2]).toMatch(/^ {2}100 % ┤ +.*h/);
    expect(lines[12]).toMatch(/^ {4}0 % ┤ +d/);
    // These are the points of ps-log, at its interval and at 100 ms.
    expect(lines.filter((line) => /[│┤]b/.test(line))).toHaveLength(2);
  });
});
