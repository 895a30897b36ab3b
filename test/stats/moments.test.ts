import { describe, expect, test } from "bun:test";
import {
  MAD_TO_SIGMA,
  mean,
  medianAbsoluteDeviation,
  standardDeviation,
  sum,
  variance,
} from "../../src/stats/moments.ts";
import { Prng } from "../../src/stats/prng.ts";

describe("moments", () => {
  test("of a small sample", () => {
    const values = [2, 4, 4, 4, 5, 5, 7, 9];
    expect(mean(values)).toBe(5);
    expect(variance(values)).toBeCloseTo(32 / 7, 12);
    expect(standardDeviation(values)).toBeCloseTo(Math.sqrt(32 / 7), 12);
    expect(medianAbsoluteDeviation(values)).toBe(0.5);
  });

  test("lose nothing beside a large value", () => {
    expect(sum([1e16, 1, -1e16])).toBe(1);
    expect(sum([1, 1e16, 1, -1e16])).toBe(2);
    expect(variance([1e9 + 1, 1e9 + 2, 1e9 + 3])).toBe(1);
  });

  test("say NaN where they cannot say anything", () => {
    expect(mean([])).toBeNaN();
    expect(variance([1])).toBeNaN();
    expect(medianAbsoluteDeviation([])).toBeNaN();
  });

  test("scaled MAD estimates a normal distribution's σ and bears outliers", () => {
    const random = new Prng(5);
    const values = Array.from({ length: 50_000 }, (_, i) => (i % 50 === 0 ? 1e6 : 3 * random.normal()));
    expect(Math.abs(MAD_TO_SIGMA * medianAbsoluteDeviation(values) - 3)).toBeLessThan(0.12);
  });
});
