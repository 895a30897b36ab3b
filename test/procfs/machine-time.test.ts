import { expect, test } from "bun:test";
import { BusyClock, type MachineTime, parseMachineTime } from "../../src/procfs/machine-time.ts";

test("parseMachineTime reads /proc/stat of two CPUs", () => {
  const text = "cpu  1 2 3 4 5 6 7 8 1 0\ncpu0 1 1 1 1 1 1 1 1 0 0\ncpu1 0 1 2 3 4 5 6 7 1 0\nintr 5\n";
  expect(parseMachineTime(text, 9)).toEqual({
    nowNs: 9,
    cpus: 2,
    idleNs: 4e7,
    iowaitNs: 5e7,
    irqNs: 6e7,
    softirqNs: 7e7,
    stealNs: 8e7,
    countedNs: 19e7,
  });
  expect(parseMachineTime("intr 5\n", 9)).toBeNull();
});

test("busy time is elapsed time without idle time, independent of the other ticks", () => {
  const start = parseMachineTime("cpu  1 2 3 4 5 6 7 8 1 0\ncpu0 0\ncpu1 0\n", 9) as MachineTime;
  let now: MachineTime | null = start;
  const clock = new BusyClock(() => now);
  expect(clock.read()).toBe(0);
  now = { ...start, nowNs: start.nowNs + 1000, idleNs: start.idleNs + 600 };
  expect(clock.read()).toBe(1400);
  now = null;
  expect(clock.read()).toBeNull();
});
