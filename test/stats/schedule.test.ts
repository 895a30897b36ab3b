import { describe, expect, test } from "bun:test";
import { blockSchedule } from "../../src/stats/schedule.ts";

describe("blockSchedule", () => {
  test("of two arms is ABBA and BAAB equally often, in random order", () => {
    const orders = blockSchedule(["A", "B"], 40, { seed: 1 }).map((order) => order.join(""));
    expect(new Set(orders)).toEqual(new Set(["ABBA", "BAAB"]));
    expect(orders.filter((order) => order === "ABBA")).toHaveLength(20);
    expect(orders.some((order, i) => order === orders[i + 1])).toBe(true);
  });

  test("has each arm at each position equally often", () => {
    const arms = ["a", "b", "c", "d", "e"];
    const schedule = blockSchedule(arms, 25, { seed: 2, mirrored: false });
    for (const arm of arms) {
      for (let position = 0; position < arms.length; position++) {
        expect(schedule.filter((order) => order[position] === arm)).toHaveLength(5);
      }
    }
  });

  test("has each arm twice in a mirrored round, which is the same backwards", () => {
    for (const order of blockSchedule(["off", "null", "on"], 7, { seed: 3 })) {
      expect(order).toEqual(order.toReversed());
      expect(order.toSorted()).toEqual(["null", "null", "off", "off", "on", "on"]);
    }
  });

  test("is the same for the same seed, and different for another seed", () => {
    const draw = (seed: number) => blockSchedule(["a", "b", "c"], 12, { seed });
    expect(draw(4)).toEqual(draw(4));
    expect(draw(4)).not.toEqual(draw(5));
    expect(draw(4)).toHaveLength(12);
  });

  test("accepts one arm and no rounds, and refuses no arms", () => {
    expect(blockSchedule(["a"], 2, { seed: 1, mirrored: false })).toEqual([["a"], ["a"]]);
    expect(blockSchedule(["a"], 0, { seed: 1 })).toEqual([]);
    expect(() => blockSchedule([], 1, { seed: 1 })).toThrow(RangeError);
  });
});
