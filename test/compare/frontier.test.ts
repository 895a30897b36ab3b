import { expect, test } from "bun:test";
import { frontierPoint, intervalFor, modelCapture } from "../../src/compare/frontier.ts";

test("a process is seen with the probability of its life over the interval, at most 1", () => {
  expect(modelCapture([10], 1000)).toBeCloseTo(0.01, 12);
  expect(modelCapture([1000], 1000)).toBe(1);
  expect(modelCapture([5000], 1000)).toBe(1);
  expect(modelCapture([1, 10, 100, 1000], 1000)).toBeCloseTo((0.001 + 0.01 + 0.1 + 1) / 4, 12);
  expect(modelCapture([], 1000)).toBeNaN();
});

test("the interval for a share is where the model has it", () => {
  expect(intervalFor([100], 0.95)).toBeCloseTo(100 / 0.95, 6);
  expect(intervalFor([100], 1)).toBeCloseTo(100, 6);
  // Half live for 1 ms, half for ever so long: 0.95 needs nine tenths of the short ones.
  expect(intervalFor([1, 10_000], 0.95)).toBeCloseTo(1 / 0.9, 6);
  const lives = [0.8, 1.2, 10, 11, 100, 1000];
  expect(modelCapture(lives, intervalFor(lives, 0.95) ?? 0)).toBeCloseTo(0.95, 9);
});

test("there is none where there are no processes, or some that no look can find", () => {
  expect(intervalFor([], 0.95)).toBeNull();
  expect(intervalFor([0, 0, 0, 1], 0.95)).toBeNull();
});

test("a look costs the same however often it is taken", () => {
  // 9 ms a look, every 100/0.9 ms: 8.1 % of a core.
  const point = frontierPoint("ps", 9000, [100], 90);
  expect(point.intervalMs).toBeCloseTo(100 / 0.9, 6);
  expect(point.cpuPct).toBeCloseTo(8.1, 6);
  expect(point.isPossible).toBe(true);
});

test("a look that is not over before the next is due is not possible", () => {
  expect(frontierPoint("ps", 9000, [1], 95)).toMatchObject({ isPossible: false, cpuPct: expect.closeTo(855, 3) });
  expect(frontierPoint("ps", 9000, [0], 95)).toMatchObject({ isPossible: false, intervalMs: null, cpuPct: null });
});
