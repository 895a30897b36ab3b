import { describe, expect, test } from "bun:test";
import { bootstrapMean, bootstrapMedian, bootstrapRatio } from "../../src/stats/bootstrap.ts";
import { UNBOUNDED } from "../../src/stats/interval.ts";
import { mean } from "../../src/stats/moments.ts";
import { coverage, EXPECTED_COVERAGE } from "./coverage.ts";
import { CAUCHY, CONTAMINATED, EXPONENTIAL, LOGNORMAL, LOGNORMAL_WIDE, NORMAL, UNIFORM } from "./distributions.ts";

const RESAMPLES = 400;
const ROUNDS = 40;

describe("bootstrapMedian: the 95 % interval contains the true value in 95 % of 1,000 runs", () => {
  for (const [distribution, n] of [
    [NORMAL, ROUNDS],
    [UNIFORM, 21],
    [EXPONENTIAL, 30],
    [LOGNORMAL_WIDE, ROUNDS],
    [CONTAMINATED, ROUNDS],
    [CAUCHY, ROUNDS],
    [NORMAL, 12],
  ] as const) {
    test(`${distribution.name}, ${n} values`, () => {
      const held = coverage(7, distribution.median, (random, seed) => {
        const values = Float64Array.from({ length: n }, () => distribution.draw(random));
        return bootstrapMedian(values, { seed, resamples: RESAMPLES }).interval;
      });
      expect(held).toBeWithin(...EXPECTED_COVERAGE);
    });
  }
});

describe("bootstrapMean: the 95 % interval contains the true value in 95 % of 1,000 runs", () => {
  for (const [distribution, n] of [
    [NORMAL, ROUNDS],
    [UNIFORM, 20],
    [EXPONENTIAL, 30],
    [LOGNORMAL, ROUNDS],
    [NORMAL, 5],
  ] as const) {
    test(`${distribution.name}, ${n} values`, () => {
      const held = coverage(8, distribution.mean as number, (random, seed) => {
        const values = Float64Array.from({ length: n }, () => distribution.draw(random));
        return bootstrapMean(values, { seed, resamples: RESAMPLES }).interval;
      });
      expect(held).toBeWithin(...EXPECTED_COVERAGE);
    });
  }

  test("but in more than 90 % for very heavy tails", () => {
    const held = coverage(9, LOGNORMAL_WIDE.mean as number, (random, seed) => {
      const values = Float64Array.from({ length: ROUNDS }, () => LOGNORMAL_WIDE.draw(random));
      return bootstrapMean(values, { seed, resamples: RESAMPLES }).interval;
    });
    expect(held).toBeGreaterThan(0.9);
  });
});

describe("bootstrapRatio", () => {
  test("contains the true value in 95 % of 1,000 runs with windows of unequal length", () => {
    const held = coverage(10, 0.3, (random, seed) => {
      const elapsed = Float64Array.from({ length: 30 }, () => 0.5 + 3 * random.float());
      const used = elapsed.map((time) => 0.3 * time + 0.1 * Math.sqrt(time) * random.normal());
      return bootstrapRatio(used, elapsed, { seed, resamples: RESAMPLES }).interval;
    });
    expect(held).toBeWithin(...EXPECTED_COVERAGE);
  });

  test("is the ratio of the sums, not the mean of the ratios", () => {
    expect(bootstrapRatio([1, 9], [1, 1.5]).value).toBe(4);
  });

  test("refuses lists of unequal length", () => {
    expect(() => bootstrapRatio([1], [1, 2])).toThrow(RangeError);
  });
});

describe("bootstrap", () => {
  test("returns the same result for the same seed", () => {
    const values = Array.from({ length: 30 }, (_, i) => Math.sin(i));
    expect(bootstrapMedian(values, { seed: 4 })).toEqual(bootstrapMedian(values, { seed: 4 }));
    expect(bootstrapMean(values, { seed: 4 })).toEqual(bootstrapMean(values, { seed: 4 }));
    expect(bootstrapMean(values, { seed: 4 }).interval).not.toEqual(bootstrapMean(values, { seed: 5 }).interval);
  });

  test("returns an unbounded interval for too few values", () => {
    expect(bootstrapMedian([1, 2, 3, 4, 5]).interval).toEqual(UNBOUNDED);
    expect(bootstrapMean([1]).interval).toEqual(UNBOUNDED);
    expect(bootstrapMedian([]).value).toBeNaN();
    expect(bootstrapMean([]).interval).toEqual(UNBOUNDED);
  });

  test("returns a point if all values are equal", () => {
    expect(bootstrapMedian(new Array(10).fill(3))).toEqual({ value: 3, interval: [3, 3], standardError: 0, n: 10 });
    expect(bootstrapMean(new Array(10).fill(3))).toEqual({ value: 3, interval: [3, 3], standardError: 0, n: 10 });
  });

  test("returns the theoretical standard error of a mean", () => {
    const values = Array.from({ length: 100 }, (_, i) => i);
    expect(bootstrapMean(values).standardError).toBeCloseTo(Math.sqrt((100 * 101) / 12 / 100), 6);
    expect(bootstrapMean(values).value).toBe(mean(values));
  });

  test("returns a narrower interval at a lower confidence", () => {
    const values = Array.from({ length: 40 }, (_, i) => Math.sin(i));
    const at95 = bootstrapMedian(values).interval;
    const at50 = bootstrapMedian(values, { confidence: 0.5 }).interval;
    expect(at50[1] - at50[0]).toBeLessThan((at95[1] - at95[0]) / 2);
  });
});
