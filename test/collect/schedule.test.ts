import { expect, test } from "bun:test";
import { nextDueMs, Schedule } from "../../src/collect/schedule.ts";

test("a look follows the one before by its deadline, a late one by a whole interval", () => {
  // In time, a little late, and later than half of the time to the next.
  expect(nextDueMs(1000, 100, 1000)).toBe(1100);
  expect(nextDueMs(1000, 100, 1050)).toBe(1100);
  expect(nextDueMs(1000, 100, 1051)).toBe(1151);
  // After a stop of many intervals.
  expect(nextDueMs(1000, 100, 5000)).toBe(5100);
});

test("sweeps keep their time where looks are late, and fall together with one each", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let looks = 0;
  const sweptMs: number[] = [];
  using schedule = new Schedule(10, 40, {
    flush(withSweep) {
      looks++;
      if (withSweep) sweptMs.push(performance.now());
      if (sweptMs.length === 5) resolve();
      // Each is late for the next one.
      Bun.sleepSync(15);
    },
    sweep: () => resolve(),
  });
  schedule.start();
  await promise;
  // Of looks that come every 25 ms at most two go by between two sweeps; by their number it would be four.
  expect(looks).toBeLessThan(4 * sweptMs.length);
  const gaps = sweptMs.slice(1).map((ms, i) => ms - (sweptMs[i] as number));
  for (const gap of gaps) expect(gap).toBeGreaterThan(20);
});
