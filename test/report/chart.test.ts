import { describe, expect, test } from "bun:test";
import { niceTicks } from "../../src/report/axis.ts";
import { scatter, stackedBars, whiskers } from "../../src/report/html/chart.ts";

describe("ticks", () => {
  test("are round numbers, cover both ends, and are about as many as requested", () => {
    for (const [from, to] of [
      [0, 1],
      [0, 0.0372],
      [0, 60.003],
      [-3.7, 12.2],
      [0, 1e6],
      [5, 5],
      [0, 0],
    ] as const) {
      const ticks = niceTicks(from, to, 5);
      const step = (ticks[1] ?? 0) - (ticks[0] ?? 0);
      expect(step).toBeGreaterThan(0);
      expect(ticks[0]).toBeLessThanOrEqual(from + 0.05 * step);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(to - 0.05 * step);
      expect(ticks.length).toBeWithin(2, 9);
    }
    expect(niceTicks(0, 60.003, 8)).toEqual([0, 10, 20, 30, 40, 50, 60]);
  });
});

const TEXTS = { title: "A <title>", caption: "below & beside", xTitle: "x", yTitle: "y" };

test("bars are stacked on the axis, and stay within the plot", () => {
  const both = stackedBars({
    ...TEXTS,
    bars: [
      { from: 0, to: 2, lower: 1, upper: 1 },
      { from: 2, to: 4, lower: 3, upper: 1 },
    ],
    limit: { value: 2, text: "the claim" },
  }).text;
  const text = both.slice(0, both.indexOf("</svg>"));
  expect(both.match(/<svg/g)).toHaveLength(2);
  const rects = [...text.matchAll(/<rect class="(\w)"[^>]* y="([\d.]+)" height="([\d.]+)"/g)].map(
    ([, name, y, height]) => ({
      name,
      top: Number(y),
      bottom: Number(y) + Number(height),
    }),
  );
  expect(rects.map(({ name }) => name)).toEqual(["a", "b", "a", "b"]);
  expect(rects[1]?.bottom).toBeCloseTo(rects[0]?.top ?? 0, 6);
  expect(rects[2]?.bottom).toBeCloseTo(rects[0]?.bottom ?? 0, 6);
  expect(rects[3]?.top).toBeGreaterThanOrEqual(0);
  expect(text).toContain("the claim");
  expect(both).toContain("A &lt;title&gt;");
});

test("charts without data or with unbounded intervals contain no invalid number", () => {
  const charts = [
    stackedBars({ ...TEXTS, bars: [], limit: null }),
    scatter({ ...TEXTS, points: [], line: [], limit: null }),
    scatter({
      ...TEXTS,
      points: [{ x: 1, y: 0.5 }],
      line: [{ x: 0, y: 0, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }],
      limit: { value: 1, text: "" },
    }),
    whiskers({ ...TEXTS, rows: [] }),
    whiskers({ ...TEXTS, rows: [{ label: "a", value: 0, interval: [0, 0], tone: "a" }] }),
  ];
  for (const { text } of charts) expect(text).not.toMatch(/NaN|Infinity|undefined|null/);
});
