import { expect, test } from "bun:test";
import { nextDueMs } from "../../src/collect/schedule.ts";

test("a look follows the one before by its deadline, a late one by a whole interval", () => {
  // In time, a little late, and later than half of the time to the next.
  expect(nextDueMs(1000, 100, 1000)).toBe(1100);
  expect(nextDueMs(1000, 100, 1050)).toBe(1100);
  expect(nextDueMs(1000, 100, 1051)).toBe(1151);
  // After a stop of many intervals.
  expect(nextDueMs(1000, 100, 5000)).toBe(5100);
});
