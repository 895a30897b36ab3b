import { describe, expect, test } from "bun:test";
import { fitLine, invertLine, type LineFit, lineAt } from "../../src/stats/line-fit.ts";
import type { Prng } from "../../src/stats/prng.ts";
import { coverage, EXPECTED_COVERAGE } from "./coverage.ts";

const TRUE = { intercept: 0.05, slope: 0.0015 };
const RATES = [0, 50, 100, 150, 200, 300, 400];
const WINDOWS = 6;

/** Standard deviation of the noise at a rate. */
type Noise = (rate: number) => number;
const EVEN: Noise = () => 0.02;
const GROWING: Noise = (rate) => 0.01 + 0.0001 * rate;

function sweep(random: Prng, noise: Noise, weighted: boolean): LineFit {
  return fitLine(
    RATES.flatMap((x) =>
      Array.from({ length: WINDOWS }, () => ({
        x,
        y: TRUE.intercept + TRUE.slope * x + noise(x) * random.normal(),
        weight: weighted ? 1 / noise(x) ** 2 : 1,
      })),
    ),
  ) as LineFit;
}

describe("fitLine", () => {
  test("finds a line exactly without noise", () => {
    const fit = fitLine([0, 1, 2, 5].map((x) => ({ x, y: 3 + 2 * x }))) as LineFit;
    expect(fit.intercept).toBeCloseTo(3, 12);
    expect(fit.slope).toBeCloseTo(2, 12);
    expect(fit.r2).toBeCloseTo(1, 12);
    expect(lineAt(fit, 10).value).toBeCloseTo(23, 12);
    expect(fit.slopeInterval[0]).toBeCloseTo(2, 6);
  });

  test("agrees with a worked example", () => {
    // Least squares of (1, 1), (2, 3), (3, 2), (4, 5): slope 1.1, intercept 0, R² 0.6914.
    const fit = fitLine([
      { x: 1, y: 1 },
      { x: 2, y: 3 },
      { x: 3, y: 2 },
      { x: 4, y: 5 },
    ]) as LineFit;
    expect(fit.slope).toBeCloseTo(1.1, 12);
    expect(fit.intercept).toBeCloseTo(0, 12);
    expect(fit.r2).toBeCloseTo(6.05 / 8.75, 12);
  });

  test("treats a weight like that many equal points", () => {
    const points = [
      { x: 0, y: 1 },
      { x: 1, y: 4 },
      { x: 2, y: 3 },
    ];
    const weighted = fitLine(points.map((point, i) => ({ ...point, weight: i === 1 ? 3 : 1 }))) as LineFit;
    const repeated = fitLine([...points, { x: 1, y: 4 }, { x: 1, y: 4 }]) as LineFit;
    expect(weighted.slope).toBeCloseTo(repeated.slope, 12);
    expect(weighted.intercept).toBeCloseTo(repeated.intercept, 12);
  });

  test("returns null for one x, and an unbounded interval for two points", () => {
    expect(fitLine([])).toBeNull();
    expect(fitLine([{ x: 1, y: 1 }])).toBeNull();
    expect(
      fitLine([
        { x: 1, y: 1 },
        { x: 1, y: 2 },
      ]),
    ).toBeNull();
    const fit = fitLine([
      { x: 0, y: 1 },
      { x: 1, y: 2 },
    ]) as LineFit;
    expect(fit.slope).toBe(1);
    expect(fit.slopeInterval).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect(invertLine(fit, 5)).toEqual({ value: 4, interval: [0, Number.POSITIVE_INFINITY] });
  });

  for (const [name, noise, weighted] of [
    ["even noise", EVEN, false],
    ["noise that grows five-fold over the sweep, right weights", GROWING, true],
    ["noise that grows five-fold over the sweep, no weights", GROWING, false],
  ] as const) {
    test(`recovers known parameters: intervals contain the true value in 95 % of 1,000 runs, ${name}`, () => {
      let slopes = 0;
      const check = (truth: number, of: (fit: LineFit) => readonly [number, number]): number =>
        coverage(31, truth, (random) => {
          const fit = sweep(random, noise, weighted);
          slopes += fit.slope / 1000;
          return of(fit);
        });
      expect(check(TRUE.slope, (fit) => fit.slopeInterval)).toBeWithin(...EXPECTED_COVERAGE);
      expect(slopes / TRUE.slope).toBeCloseTo(1, 2);
      expect(check(TRUE.intercept, (fit) => fit.interceptInterval)).toBeWithin(...EXPECTED_COVERAGE);
      expect(check(TRUE.intercept + TRUE.slope * 250, (fit) => lineAt(fit, 250).interval)).toBeWithin(
        ...EXPECTED_COVERAGE,
      );
      expect(check((1 - TRUE.intercept) / TRUE.slope, (fit) => invertLine(fit, 1).interval)).toBeWithin(
        ...EXPECTED_COVERAGE,
      );
    });
  }
});

describe("invertLine", () => {
  const noisy = (slope: number): LineFit =>
    fitLine([0, 1, 2, 3, 4, 5].map((x, i) => ({ x, y: 1 + slope * x + (i % 2 === 0 ? 0.1 : -0.1) }))) as LineFit;

  test("returns the x of a y, inside its interval", () => {
    const { value, interval } = invertLine(noisy(2), 9);
    expect(value).toBeCloseTo(4, 1);
    expect(interval[0]).toBeLessThan(value);
    expect(interval[1]).toBeGreaterThan(value);
  });

  test("has no upper end if the line may be flat, and is infinite if the line falls", () => {
    expect(invertLine(noisy(0.02), 9).interval[1]).toBe(Number.POSITIVE_INFINITY);
    const falling = invertLine(noisy(-2), 9);
    expect(falling.value).toBe(Number.POSITIVE_INFINITY);
    expect(falling.interval[1]).toBe(Number.POSITIVE_INFINITY);
  });

  test("is 0 if the line starts above the value", () => {
    expect(invertLine(noisy(2), 0.5)).toEqual({ value: 0, interval: [0, 0] });
  });
});
