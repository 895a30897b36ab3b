import { expect, test } from "bun:test";
import { frontierPoint, intervalFor, modelCapture } from "../../src/compare/frontier.ts";

test("a process is seen with the probability of its life over the interval, at most 1", () => {
  expect(modelCapture([10], 1000)).toBeCloseTo(0.01, 12);
  expect(modelCapture([1000], 1000)).toBe(1);
  expect(modelCapture([5000], 1000)).toBe(1);
  expect(modelCapture([1, 10, 100, 1000], 1000)).toBeCloseTo((0.001 + 0.01 + 0.1 + 1) / 4, 12);
  expect(modelCapture([], 1000)).toBeNaN();
});

test("the interval for a share is solved by the model", () => {
  expect(intervalFor([100], 0.95)).toBeCloseTo(100 / 0.95, 6);
  expect(intervalFor([100], 1)).toBeCloseTo(100, 6);
  // Half of the processes live for 1 ms, half very long: 0.95 needs nine tenths of the short ones.
  expect(intervalFor([1, 10_000], 0.95)).toBeCloseTo(1 / 0.9, 6);
  const lives = [0.8, 1.2, 10, 11, 100, 1000];
  expect(modelCapture(lives, intervalFor(lives, 0.95) ?? 0)).toBeCloseTo(0.95, 9);
});

test("the interval is null without processes, or with too many that no look can find", () => {
  expect(intervalFor([], 0.95)).toBeNull();
  expect(intervalFor([0, 0, 0, 1], 0.95)).toBeNull();
});

test("a look has the same cost at any interval", () => {
  // A look of 9 ms every 100/0.9 ms is 8.1 % of a core.
  const point = frontierPoint("ps", 9000, [100], 90);
  expect(point.intervalMs).toBeCloseTo(100 / 0.9, 6);
  expect(point.cpuPct).toBeCloseTo(8.1, 6);
  expect(point.isPossible).toBe(true);
});

test("an interval shorter than one look is not possible", () => {
  expect(frontierPoint("ps", 9000, [1], 95)).toMatchObject({ isPossible: false, cpuPct: expect.closeTo(855, 3) });
  expect(frontierPoint("ps", 9000, [0], 95)).toMatchObject({ isPossible: false, intervalMs: null, cpuPct: null });
});
