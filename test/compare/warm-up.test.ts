import { expect, test } from "bun:test";
import { isSettled } from "../../src/compare/warm-up.ts";

/** Number of steps of a warm-up with these costs. */
function stepsUntilSettled(costs: readonly number[]): number | null {
  for (let steps = 1; steps <= costs.length; steps++) if (isSettled(costs.slice(0, steps))) return steps;
  return null;
}

test("a method of constant cost is warm after three steps", () => {
  expect(stepsUntilSettled([40, 42, 39, 41])).toBe(3);
});

test("a method with a JIT compiler is warm when its cost has stopped falling", () => {
  expect(stepsUntilSettled([150, 60, 40, 33, 30, 28, 27, 27])).toBe(7);
});

test("a disturbed step neither ends the warm-up nor keeps it going", () => {
  // Other work makes one step cost 90 instead of 30.
  expect(stepsUntilSettled([150, 60, 40, 90, 30, 28, 27])).toBe(7);
  expect(stepsUntilSettled([40, 80, 41, 90])).toBe(3);
});

test("a method whose cost keeps falling never becomes warm", () => {
  expect(stepsUntilSettled([64, 32, 16, 8, 4, 2, 1])).toBeNull();
});
