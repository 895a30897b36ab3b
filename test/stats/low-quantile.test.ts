import { describe, expect, test } from "bun:test";
import { armOfRound, lowQuantileDifference, type Round, summariseBlock } from "../../src/stats/low-quantile.ts";
import { Prng } from "../../src/stats/prng.ts";
import { blockSchedule } from "../../src/stats/schedule.ts";
import { coverage, EXPECTED_COVERAGE } from "./coverage.ts";

type Arm = "on" | "off" | "null";

/**
 * Simulated rounds of a shared machine: an operation of 40 µs, noise that only adds time, sometimes a
 * preemption of a millisecond, and a machine that drifts from block to block.
 */
function simulate(random: Prng, addedUs: number, rounds: number, repetitions: number): Round<Arm>[] {
  let machine = 40;
  return blockSchedule<Arm>(["off", "null", "on"], rounds, { seed: random.uint32() }).map((order) => ({
    order,
    blocks: order.map((arm) => {
      machine += 0.3 * random.normal();
      const durations = Float64Array.from({ length: repetitions }, () => {
        const preempted = random.float() < 0.01 ? 1000 * random.float() : 0;
        return machine - 3 * Math.log(1 - random.float()) + preempted + (arm === "on" ? addedUs : 0);
      });
      return summariseBlock(durations);
    }),
  }));
}

describe("summariseBlock", () => {
  test("returns the low quantiles for input in any order, and does not change the input", () => {
    const durations = Float64Array.from({ length: 101 }, (_, i) => 100 - i);
    expect(summariseBlock(durations)).toEqual({ n: 101, p10: 10, p25: 25, p50: 50, mean: 50 });
    expect(durations[0]).toBe(100);
  });
});

describe("armOfRound", () => {
  test("is the mean of the arm's blocks, so that a steady drift over a mirrored round cancels", () => {
    const block = (p25: number) => ({ n: 1, p10: 0, p25, p50: 0, mean: 0 });
    const round: Round<Arm> = { order: ["off", "on", "on", "off"], blocks: [1, 2, 3, 4].map(block) };
    expect(armOfRound(round, "on", "p25")).toBe(2.5);
    expect(armOfRound(round, "off", "p25")).toBe(2.5);
    expect(armOfRound(round, "null", "p25")).toBeNaN();
  });
});

describe("lowQuantileDifference", () => {
  test("finds a known slowdown, and none between equal arms, in noise that hides both from means", () => {
    const rounds = simulate(new Prng(3), 2, 40, 100);
    const found = lowQuantileDifference(rounds, "on", "off");
    expect(Math.abs(found.value - 2)).toBeLessThan(0.3);
    expect(found.interval[0]).toBeGreaterThan(1.5);
    expect(found.interval[1]).toBeLessThan(2.5);
    const none = lowQuantileDifference(rounds, "null", "off");
    expect(none.interval[0]).toBeLessThan(0);
    expect(none.interval[1]).toBeGreaterThan(0);
    const means = lowQuantileDifference(rounds, "on", "off", { metric: "mean", centre: "mean" });
    expect(means.smallestDetectable).toBeGreaterThan(4 * found.smallestDetectable);
  });

  test("has an interval that contains the true value in 95 % of 1,000 simulated runs", () => {
    const held = coverage(
      21,
      1,
      (random, seed) =>
        lowQuantileDifference(simulate(random, 1, 20, 16), "on", "off", { seed, resamples: 400 }).interval,
    );
    expect(held).toBeWithin(...EXPECTED_COVERAGE);
  });
});
