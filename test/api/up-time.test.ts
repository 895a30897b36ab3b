import { expect, test } from "bun:test";
import { UpTime } from "../../src/api/up-time.ts";

test("the start moves with a wall clock that is set, and with nothing else", () => {
  const at = { wallMs: 50_000, bootMs: 7_000 };
  const upTime = new UpTime(400, { wallMs: () => at.wallMs, bootMs: () => at.bootMs });
  expect([upTime.ms, upTime.startedMs]).toEqual([400, 49_600]);
  // Slewed a little: the reported start stays.
  at.wallMs += 10_300;
  at.bootMs += 10_000;
  expect([upTime.ms, upTime.startedMs]).toEqual([10_400, 49_600]);
  // Set: by NTP, long after the machine's start.
  at.wallMs = 1_790_000_000_000;
  expect([upTime.ms, upTime.startedMs]).toEqual([10_400, 1_790_000_000_000 - 10_400]);
  at.wallMs -= 3_600_000;
  expect([upTime.ms, upTime.startedMs]).toEqual([10_400, 1_790_000_000_000 - 3_610_400]);
});
