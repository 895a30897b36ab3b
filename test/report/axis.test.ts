import { expect, test } from "bun:test";
import { logAxis, tickText } from "../../src/report/axis.ts";

test("an axis of powers of ten places every value above 0", () => {
  const axis = logAxis([3, 40, 700], 9, 100);
  expect(axis.ticks).toEqual([1, 10, 100, 1000]);
  expect([1, 10, 1000, 1e9, 0.001].map((value) => axis.at(value))).toEqual([0, 33.3, 100, 100, 0]);
});

test("0 has a place of its own, before all others", () => {
  const axis = logAxis([0, 5, 50], 9, 100);
  expect(axis.ticks).toEqual([0, 1, 10, 100]);
  expect(axis.at(0)).toBe(0);
  expect(axis.at(1)).toBeGreaterThan(5);
});

test("no values, and values that are not finite, still make an axis with few ticks", () => {
  for (const values of [[], [0], [Number.NaN, Number.POSITIVE_INFINITY], [1e-12, 1e15], [10]]) {
    const { ticks, at } = logAxis(values, 5, 100);
    expect(ticks.length).toBeWithin(2, 8);
    for (const tick of ticks) expect(at(tick)).toBeWithin(0, 101);
  }
});

test("tick texts are as short as possible", () => {
  expect([0, 0.001, 1, 1000, 100_000, 1e6, 1e-5, -1e7, 2.5].map(tickText)).toEqual([
    "0",
    "0.001",
    "1",
    "1,000",
    "100,000",
    "10⁶",
    "10⁻⁵",
    "−10⁷",
    "2.5",
  ]);
});
