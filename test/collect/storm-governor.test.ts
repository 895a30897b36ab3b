import { describe, expect, test } from "bun:test";
import { LOWEST_RATE, ringRate, StormGovernor, type StormWindow } from "../../src/collect/storm-governor.ts";

const QUIET: StormWindow = {
  seconds: 1,
  costPct: 0.5,
  budgetPct: 1,
  ringFill: 0.1,
  sentPerSecond: 600,
  offeredPerSecond: 600,
};
/** A load that costs ten times the budget. */
const OVERLOAD: StormWindow = { ...QUIET, costPct: 10, sentPerSecond: 30_000, offeredPerSecond: 30_000 };

const HIGHEST = ringRate(256 * 1024);

function after(governor: StormGovernor, count: number, window: StormWindow): number {
  for (let i = 0; i < count; i++) governor.window(window);
  return governor.rate;
}

describe("the rate of `auto`", () => {
  test("stays at the limit of the rings while the cost is within the budget", () => {
    expect(HIGHEST).toBe(13_107);
    expect(after(new StormGovernor(HIGHEST), 1000, { ...QUIET, costPct: 1 })).toBe(HIGHEST);
  });

  test("is never below 1,000, however small the ring and however expensive the events", () => {
    expect(ringRate(4096)).toBe(LOWEST_RATE);
    expect(after(new StormGovernor(HIGHEST), 10, { ...OVERLOAD, costPct: 100 })).toBe(LOWEST_RATE);
  });

  test("does not change after a burst that later savings compensate", () => {
    const governor = new StormGovernor(HIGHEST);
    for (let i = 0; i < 20; i++) {
      expect(governor.window({ ...QUIET, costPct: 2.5 })).toBe(HIGHEST);
      expect(after(governor, 4, { ...QUIET, costPct: 0.5 })).toBe(HIGHEST);
    }
  });

  test("falls to the budget's limit within three seconds of an overload", () => {
    const governor = new StormGovernor(HIGHEST);
    expect(governor.window(OVERLOAD)).toBe(3000);
    const slight = new StormGovernor(HIGHEST);
    expect(after(slight, 3, { ...OVERLOAD, costPct: 2, sentPerSecond: 6000 })).toBe(3000);
  });

  test("is halved while the cost stays too high", () => {
    const governor = new StormGovernor(HIGHEST);
    const rates = [1, 2, 3].map(() => after(governor, 3, { ...OVERLOAD, costPct: 2 }));
    expect(rates).toEqual([6553, 3276, 1638]);
  });

  test("is lowered if rings fill up, whatever the budget", () => {
    const governor = new StormGovernor(HIGHEST);
    const full = { ...QUIET, ringFill: 0.8, sentPerSecond: 20_000, offeredPerSecond: 20_000 };
    expect(governor.window(full)).toBe(6553);
    expect(new StormGovernor(HIGHEST).window({ ...full, budgetPct: 0 })).toBe(6553);
    expect(new StormGovernor(HIGHEST).window({ ...full, ringFill: 0.5 })).toBe(HIGHEST);
  });

  test("is raised once all events would cost less than 70 % of the budget for half a minute", () => {
    const governor = new StormGovernor(HIGHEST);
    governor.window(OVERLOAD);
    // A counted storm costs little, but sending its events would cost ten times the budget.
    const counted = { ...QUIET, costPct: 0.2, sentPerSecond: 100, offeredPerSecond: 30_000 };
    expect(after(governor, 300, counted)).toBe(3000);
    const over = { ...counted, offeredPerSecond: 300 };
    expect(after(governor, 29, over)).toBe(3000);
    expect(governor.window(over)).toBe(HIGHEST);
  });
});
