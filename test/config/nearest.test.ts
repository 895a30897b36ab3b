import { describe, expect, test } from "bun:test";
import { editDistance, nearest } from "../../src/config/nearest.ts";

describe("editDistance", () => {
  test.each([
    ["", "", 0],
    ["abc", "", 3],
    ["abc", "abc", 0],
    ["abc", "abd", 1],
    ["abc", "acb", 1],
    ["abc", "xabc", 1],
    ["kitten", "sitting", 3],
    ["ca", "abc", 3],
  ])("%j to %j is %d, both ways", (from, to, distance) => {
    expect(editDistance(from, to)).toBe(distance);
    expect(editDistance(to, from)).toBe(distance);
  });

  test("stops above its limit", () => {
    expect(editDistance("a", "abcdefgh", 2)).toBeGreaterThan(2);
  });
});

describe("nearest", () => {
  const known = ["ring-size", "min-duration", "duration", "user", "uid", "pid"];
  test.each([
    ["rign-size", "ring-size"],
    ["ring_size", "ring-size"],
    ["RING-SIZE", "ring-size"],
    ["durations", "duration"],
    ["mid", "uid"],
    ["sample-interval", null],
    ["x", null],
    ["", null],
  ])("%j → %j", (word, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });
});
