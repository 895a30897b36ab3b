import { describe, expect, test } from "bun:test";
import { DetailGovernor, type DetailLimits, UP_BELOW } from "../../src/collect/detail-governor.ts";
import type { DetailLevel } from "../../src/wire/detail-level.ts";

const LIMITS: DetailLimits = { configured: "events", floor: "summary", budgetPct: 1 };
/** Before the first measurement of a run, an event costs 7 us at detail `events`, and 3.5 us at `processes`. */
const AT_BUDGET = { events: 1e9 / 100 / 7000, processes: 1e9 / 100 / 3500 };

/** Lets seconds with the given events pass. Returns the second and the new level of each change. */
function changes(governor: DetailGovernor, seconds: number, perSecond: number, usPerEvent?: number) {
  const found: [number, DetailLevel][] = [];
  for (let second = 1; second <= seconds; second++) {
    const priceUs = usPerEvent ?? { events: 7, processes: 3.5, summary: 0 }[governor.level];
    const level = governor.look({ elapsedNs: 1e9, events: perSecond, cpuNs: perSecond * priceUs * 1e3 });
    if (level !== null) found.push([second, level]);
  }
  return found;
}

/** A governor after its first ten seconds. */
function warm(limits: Partial<DetailLimits> = {}): DetailGovernor {
  const governor = new DetailGovernor({ ...LIMITS, ...limits });
  changes(governor, 10, 0);
  return governor;
}

describe("the level of detail that a budget allows", () => {
  test("stays as it is within the budget, and for a second beyond it", () => {
    const governor = warm();
    expect(changes(governor, 60, AT_BUDGET.events * 0.99)).toEqual([]);
    expect(changes(governor, 1, 1e5)).toEqual([]);
    expect(changes(governor, 60, 100)).toEqual([]);
  });

  test("falls after two seconds to the richest level within the budget", () => {
    expect(changes(warm(), 10, AT_BUDGET.events * 1.1)).toEqual([[2, "processes"]]);
    expect(changes(warm(), 10, AT_BUDGET.processes * 1.1)).toEqual([[2, "summary"]]);
  });

  test("is about to come down only while events cost more than the budget and the floor allows less", () => {
    const governor = warm();
    changes(governor, 5, AT_BUDGET.events * 0.9);
    expect(governor.isAboutToStepDown).toBeFalse();
    changes(governor, 1, AT_BUDGET.events * 1.1);
    expect(governor.isAboutToStepDown).toBeTrue();
    const atFloor = warm({ floor: "events" });
    changes(atFloor, 5, AT_BUDGET.events * 1.1);
    expect(atFloor.isAboutToStepDown).toBeFalse();
  });

  test("never falls below the floor, and stays without a poorer level", () => {
    expect(changes(warm({ floor: "processes" }), 60, 1e6)).toEqual([[2, "processes"]]);
    expect(changes(warm({ floor: "events" }), 60, 1e6)).toEqual([]);
    expect(changes(warm({ configured: "summary", floor: "events" }), 60, 1e6)).toEqual([]);
  });

  test("stays at the begin of a run, and without a budget", () => {
    expect(changes(new DetailGovernor(LIMITS), 9, 1e6)).toEqual([]);
    expect(changes(warm({ budgetPct: 0 }), 60, 1e6)).toEqual([]);
  });

  test("rises level by level, once the richer level is cheap enough for 30 s", () => {
    const governor = warm();
    changes(governor, 5, 1e5);
    expect(governor.level).toBe("summary");
    expect(changes(governor, 100, AT_BUDGET.processes * UP_BELOW * 1.01)).toEqual([]);
    expect(changes(governor, 100, AT_BUDGET.processes * UP_BELOW * 0.99)).toEqual([[30, "processes"]]);
    changes(governor, 29, 100);
    expect(changes(governor, 1, 1e4)).toEqual([]);
    expect(changes(governor, 60, 100)).toEqual([[30, "events"]]);
    expect(governor.isHeldBack).toBe(false);
  });

  test("depends on the cost of an event in this run, within bounds", () => {
    const cheap = warm();
    changes(cheap, 30, AT_BUDGET.events * 0.9, 3.5);
    expect(changes(cheap, 30, AT_BUDGET.events * 1.5, 3.5)).toEqual([]);
    const dear = warm();
    expect(changes(dear, 30, AT_BUDGET.events * 0.6, 14).at(0)?.[1]).toBe("processes");
    const absurd = warm();
    changes(absurd, 100, 400, 1e6);
    // At most four times the first cost counts.
    expect(changes(absurd, 30, AT_BUDGET.events / 4.1)).toEqual([]);
  });

  test("changes to a new configured level, unless the reason for a lower level remains", () => {
    const governor = warm();
    changes(governor, 5, 1e5);
    expect(governor.setLimits({ ...LIMITS, budgetPct: 0.5 })).toBeNull();
    expect(governor.level).toBe("summary");
    expect(governor.setLimits({ ...LIMITS, floor: "processes" })).toBe("events");
    changes(governor, 5, 1e5);
    expect(governor.setLimits({ ...LIMITS, floor: "processes", budgetPct: 0 })).toBe("events");
    expect(governor.setLimits({ ...LIMITS, configured: "processes" })).toBe("processes");
  });
});
