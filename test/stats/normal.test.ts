import { describe, expect, test } from "bun:test";
import { normalCdf, normalQuantile } from "../../src/stats/normal.ts";
import { studentQuantile } from "../../src/stats/student.ts";

describe("normal distribution", () => {
  test("has correct values of normalCdf, in the middle and in the tails", () => {
    // R: pnorm(c(0, 1, -1.959963984540054, -3, -3.5, -10)), 10 digits.
    expect(normalCdf(0)).toBe(0.5);
    expect(normalCdf(1)).toBeCloseTo(0.8413447461, 10);
    expect(normalCdf(-1.959963984540054)).toBeCloseTo(0.025, 12);
    expect(normalCdf(-3)).toBeCloseTo(0.001349898032, 12);
    expect(normalCdf(-3.5)).toBeCloseTo(0.000232629079, 12);
    expect(normalCdf(-10) / 7.619853024e-24).toBeCloseTo(1, 9);
    expect(normalCdf(-40)).toBe(0);
    expect(normalCdf(40)).toBe(1);
  });

  test("has normalQuantile as the inverse of normalCdf", () => {
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 10);
    for (const p of [1e-9, 0.001, 0.2, 0.5, 0.8, 0.999]) expect(normalCdf(normalQuantile(p)) / p).toBeCloseTo(1, 8);
    expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("Student's t", () => {
  test("has the quantiles of printed tables", () => {
    const table: [number, number][] = [
      [1, 12.7062],
      [2, 4.30265],
      [3, 3.18245],
      [5, 2.57058],
      [10, 2.22814],
      [29, 2.04523],
      [100, 1.98397],
      [100_000, 1.95996],
    ];
    for (const [degrees, value] of table) expect(studentQuantile(0.975, degrees)).toBeCloseTo(value, 4);
    expect(studentQuantile(0.025, 10)).toBeCloseTo(-2.22814, 4);
    expect(studentQuantile(0.5, 7)).toBeCloseTo(0, 12);
    expect(studentQuantile(0.975, 0)).toBe(Number.POSITIVE_INFINITY);
  });
});
