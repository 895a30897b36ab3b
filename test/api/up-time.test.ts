import { expect, test } from "bun:test";
import { UpTime } from "../../src/api/up-time.ts";

test("the reported start moves only if the wall clock is set", () => {
  const at = { wallMs: 50_000, bootMs: 7_000 };
  const upTime = new UpTime(400, { wallMs: () => at.wallMs, bootMs: () => at.bootMs });
  expect([upTime.ms, upTime.startedMs]).toEqual([400, 49_600]);
  // The clock is slewed a little: the reported start stays.
  at.wallMs += 10_300;
  at.bootMs += 10_000;
  expect([upTime.ms, upTime.startedMs]).toEqual([10_400, 49_600]);
  // NTP sets the clock, long after the machine's start.
  at.wallMs = 1_790_000_000_000;
  expect([upTime.ms, upTime.startedMs]).toEqual([10_400, 1_790_000_000_000 - 10_400]);
  at.wallMs -= 3_600_000;
  expect([upTime.ms, upTime.startedMs]).toEqual([10_400, 1_790_000_000_000 - 3_610_400]);
});
