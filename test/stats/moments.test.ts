import { describe, expect, test } from "bun:test";
import { mean, standardDeviation, sum, variance } from "../../src/stats/moments.ts";

describe("moments", () => {
  test("of a small sample are correct", () => {
    const values = [2, 4, 4, 4, 5, 5, 7, 9];
    expect(mean(values)).toBe(5);
    expect(variance(values)).toBeCloseTo(32 / 7, 12);
    expect(standardDeviation(values)).toBeCloseTo(Math.sqrt(32 / 7), 12);
  });

  test("stay exact beside a large value", () => {
    expect(sum([1e16, 1, -1e16])).toBe(1);
    expect(sum([1, 1e16, 1, -1e16])).toBe(2);
    expect(variance([1e9 + 1, 1e9 + 2, 1e9 + 3])).toBe(1);
  });

  test("are NaN for too few values", () => {
    expect(mean([])).toBeNaN();
    expect(variance([1])).toBeNaN();
  });
});
