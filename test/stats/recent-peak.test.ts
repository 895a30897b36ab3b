import { expect, test } from "bun:test";
import { RecentPeak } from "../../src/stats/recent-peak.ts";

const S = 1e9;

test("the highest value is kept for at least 30 and at most 60 seconds", () => {
  const peak = new RecentPeak();
  expect(peak.at(0)).toBe(0);
  peak.add(7, 10 * S);
  peak.add(3, 20 * S);
  expect(peak.at(25 * S)).toBe(7);
  expect(peak.at(39 * S)).toBe(7);
  peak.add(2, 45 * S);
  expect(peak.at(45 * S)).toBe(7);
  expect(peak.at(76 * S)).toBe(2);
  expect(peak.at(200 * S)).toBe(0);
});
