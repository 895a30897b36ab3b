import { describe, expect, test } from "bun:test";
import { mean, variance } from "../../src/stats/moments.ts";
import { Prng } from "../../src/stats/prng.ts";

describe("Prng", () => {
  test("returns the published sequence of xoshiro128**", () => {
    const random = Prng.fromState([1, 2, 3, 4]);
    expect(Array.from({ length: 10 }, () => random.uint32())).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  test("returns the same sequence for the same seed, and another for another seed", () => {
    const draw = (seed: number): number[] => {
      const random = new Prng(seed);
      return Array.from({ length: 8 }, () => random.uint32());
    };
    expect(draw(42)).toEqual(draw(42));
    expect(draw(42)).not.toEqual(draw(43));
    expect(new Set(draw(0)).size).toBe(8);
  });

  test("is uniform in [0, 1) and over indices", () => {
    const random = new Prng(1);
    const values = Array.from({ length: 100_000 }, () => random.float());
    expect(Math.min(...values.slice(0, 10_000))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values.slice(0, 10_000))).toBeLessThan(1);
    expect(Math.abs(mean(values) - 0.5)).toBeLessThan(0.004);
    expect(Math.abs(variance(values) - 1 / 12)).toBeLessThan(0.001);
    const counts = new Array(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[random.index(7)]++;
    // Chi-squared with 6 degrees of freedom: above 22.5 in one of 1,000 cases.
    expect(counts.reduce((acc, count) => acc + (count - 10_000) ** 2 / 10_000, 0)).toBeLessThan(22.5);
  });

  test("draws a standard normal", () => {
    const random = new Prng(2);
    const values = Array.from({ length: 100_000 }, () => random.normal());
    expect(Math.abs(mean(values))).toBeLessThan(0.012);
    expect(Math.abs(variance(values) - 1)).toBeLessThan(0.02);
    expect(Math.abs(values.filter((value) => value > 1.96).length / values.length - 0.025)).toBeLessThan(0.002);
  });

  test("shuffles into every order equally often, and does not change its input", () => {
    const random = new Prng(3);
    const items = ["a", "b", "c"] as const;
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = random.shuffled(items).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(items).toEqual(["a", "b", "c"]);
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(100);
  });
});
