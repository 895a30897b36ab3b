import { describe, expect, test } from "bun:test";
import { intervalsAt, lastLevelOf } from "../../src/collect/pace.ts";
import { costlyEvents, reasonOf } from "../../src/collect/spending.ts";
import { resolveAuto } from "../../src/config/load.ts";
import { defaultSettings } from "../../src/config/print.ts";

const config = resolveAuto(defaultSettings(), { stdoutIsTty: false });
const unsampled = { ...config, sampling: { ...config.sampling, intervalMs: 0 } };

describe("the pace", () => {
  test("is first as configured, then slower, then without sampling", () => {
    expect(intervalsAt(0, config)).toEqual({ sampleMs: 1000, flushMs: 1000 });
    expect(intervalsAt(1, config)).toEqual({ sampleMs: 5000, flushMs: 2000 });
    expect(intervalsAt(2, config)).toEqual({ sampleMs: 0, flushMs: 2000 });
    expect(intervalsAt(1, unsampled)).toEqual({ sampleMs: 0, flushMs: 2000 });
  });

  test("has no second level if sampling is off already", () => {
    expect(lastLevelOf(config)).toBe(2);
    expect(lastLevelOf(unsampled)).toBe(1);
  });
});

describe("the reason", () => {
  test("names the cost and the measures", () => {
    expect(reasonOf({ level: 1, kind: "over" }, 1.62, 1, config)).toBe(
      "collecting costs 1.62% of a core, of a budget of 1%: sampling every 5s, rings are emptied every 2s",
    );
    expect(reasonOf({ level: 2, kind: "over" }, 1.62, 1, config)).toContain("1%: no sampling, rings are");
    expect(reasonOf({ level: 2, kind: "exhausted" }, 3, 1, config)).toContain(
      "nothing is left to give up: set budget.floor",
    );
    const lowest = { ...config, budget: { ...config.budget, floor: "summary" as const } };
    expect(reasonOf({ level: 2, kind: "exhausted" }, 3, 1, lowest)).toEndWith("nothing is left to give up");
    expect(reasonOf({ level: 0, kind: "under" }, 0.2, 1, config)).toContain("as configured again");
    expect(reasonOf({ level: 0, kind: "off" }, null, 0, config)).toContain("no budget any more");
  });
});

test("the cost of a level of detail includes neither filtered events nor those of a storm", () => {
  const seen = { fork: 1000, exec: 500, exit: 1000 };
  const filtered = { fork: 1, exec: 2, exit: 3 };
  const suppressed = { fork: 900, exec: 400, exit: 800 };
  expect(costlyEvents({ seen, filtered, suppressed })).toBe(394);
});
