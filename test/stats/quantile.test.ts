import { describe, expect, test } from "bun:test";
import { median, quantile, quantileOfSorted } from "../../src/stats/quantile.ts";

describe("quantile", () => {
  test("is type 7, the default of R's quantile()", () => {
    // quantile(c(1, 2, 4, 8, 16), c(0, .1, .25, .5, .9, 1))
    const values = [16, 1, 8, 2, 4];
    expect([0, 0.1, 0.25, 0.5, 0.9, 1].map((p) => quantile(values, p))).toEqual([1, 1.4, 2, 4, 12.8, 16]);
    expect(values).toEqual([16, 1, 8, 2, 4]);
  });

  test("sorts by number, not by text", () => {
    expect(median([10, 9, 100])).toBe(10);
  });

  test("has the mean of the two middle values as the median of an even number of values", () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  test("accepts one value, no value, and infinities", () => {
    expect(quantileOfSorted([7], 0.3)).toBe(7);
    expect(quantileOfSorted([], 0.5)).toBeNaN();
    expect(median([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 1, 2])).toBe(Number.POSITIVE_INFINITY);
    expect(quantileOfSorted([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY], 0.5)).toBe(Number.NEGATIVE_INFINITY);
  });
});
