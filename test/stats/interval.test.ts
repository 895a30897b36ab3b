import { describe, expect, test } from "bun:test";
import { overlaps, position, scale, UNBOUNDED } from "../../src/stats/interval.ts";

describe("interval", () => {
  test("is below or above a value, or straddles it, also if an end equals the value", () => {
    expect(position([0, 1], 2)).toBe("below");
    expect(position([3, 4], 2)).toBe("above");
    expect(position([1, 3], 2)).toBe("straddles");
    expect(position([1, 2], 2)).toBe("straddles");
    expect(position(UNBOUNDED, 2)).toBe("straddles");
  });

  test("overlaps others also in one point, and is scaled", () => {
    expect(overlaps([0, 2], [2, 3])).toBe(true);
    expect(overlaps([0, 1], [2, 3])).toBe(false);
    expect(scale([1, 2], -2)).toEqual([-4, -2]);
  });

  test("has null for an unbounded end in JSON", () => {
    expect(JSON.stringify(UNBOUNDED)).toBe("[null,null]");
  });
});
