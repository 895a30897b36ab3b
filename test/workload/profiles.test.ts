import { describe, expect, test } from "bun:test";
import { EVENTS_PER_PROCESS, lifetimeMix, PROFILES } from "../../src/workload/profiles.ts";

describe("profiles", () => {
  test("the rates of the three environments match their events per day", () => {
    expect(PROFILES["small-server"].rate).toBeCloseTo(0.193, 3);
    expect(PROFILES["busy-api"].rate).toBeCloseTo(1.929, 3);
    expect(PROFILES["ci-runner"].rate).toBeCloseTo(7.716, 3);
    for (const { rate, eventsPerDay } of Object.values(PROFILES)) {
      if (eventsPerDay !== null) expect(rate * EVENTS_PER_PROCESS * 86_400).toBeCloseTo(eventsPerDay, 6);
    }
  });

  test("the default mix is ls, find, ps and sha256sum at 100 a second", () => {
    expect(PROFILES.seed.rate).toBe(100);
    expect(PROFILES.seed.mix.map((part) => part.program)).toEqual(["ls", "find", "ps", "sha256sum"]);
  });

  test("the shortest lifetime is a process that ends at once, and the others are sleeps", () => {
    expect(
      lifetimeMix([
        { lifetimeMs: 1, share: 3 },
        { lifetimeMs: 10, share: 2 },
      ]),
    ).toEqual([
      { program: "true", lifetimeMs: 1, share: 3 },
      { program: "sleep", lifetimeMs: 10, share: 2 },
    ]);
  });
});
