import { expect, test } from "bun:test";
import { nextDueMs, Schedule } from "../../src/collect/schedule.ts";

test("a check keeps its deadlines; after a late check a whole interval passes", () => {
  // The checks are on time, a little late, and later than half an interval.
  expect(nextDueMs(1000, 100, 1000)).toBe(1100);
  expect(nextDueMs(1000, 100, 1050)).toBe(1100);
  expect(nextDueMs(1000, 100, 1051)).toBe(1151);
  // After a stop of many intervals.
  expect(nextDueMs(1000, 100, 5000)).toBe(5100);
});

test("scans keep their times if checks are late, and each coincides with a check", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let looks = 0;
  const sweptMs: number[] = [];
  using schedule = new Schedule(10, 40, {
    flush(withSweep) {
      looks++;
      if (withSweep) sweptMs.push(performance.now());
      if (sweptMs.length === 5) resolve();
      // Each check delays the next one.
      Bun.sleepSync(15);
    },
    sweep: () => resolve(),
  });
  schedule.start();
  await promise;
  // With checks every 25 ms, at most two pass between two scans; counting checks would give four.
  expect(looks).toBeLessThan(4 * sweptMs.length);
  const gaps = sweptMs.slice(1).map((ms, i) => ms - (sweptMs[i] as number));
  for (const gap of gaps) expect(gap).toBeGreaterThan(20);
});
