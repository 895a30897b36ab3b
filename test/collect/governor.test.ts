import { describe, expect, test } from "bun:test";
import { BACK_AT, type BudgetChange, Governor, WINDOWS_OVER, WINDOWS_UNDER } from "../../src/collect/governor.ts";

/** Feeds windows of these costs. Returns the index and the change of each window that changed something. */
function changes(governor: Governor, costs: readonly number[]): [number, BudgetChange][] {
  return costs.flatMap((cost, index) => {
    const change = governor.window(cost);
    return change ? [[index, change] as [number, BudgetChange]] : [];
  });
}

const times = (count: number, cost: number) => Array<number>(count).fill(cost);

describe("Governor", () => {
  test("raises the level after three windows over the budget, not after two", () => {
    expect(WINDOWS_OVER).toBe(3);
    expect(changes(new Governor(1, 2), [1.1, 1.1, 0.9, 1.1, 1.1, 0.9, 1, 1, 1])).toEqual([]);
    expect(changes(new Governor(1, 2), times(6, 5))).toEqual([
      [2, { level: 1, kind: "over" }],
      [5, { level: 2, kind: "over" }],
    ]);
  });

  test("lowers the level by one after six windows well under the budget", () => {
    expect(WINDOWS_UNDER).toBe(6);
    const governor = new Governor(1, 2);
    changes(governor, times(6, 2));
    expect(changes(governor, times(12, 0.69))).toEqual([
      [5, { level: 1, kind: "under" }],
      [11, { level: 0, kind: "under" }],
    ]);
    expect(changes(governor, times(20, 0))).toEqual([]);
  });

  test("stays where it is between the two marks", () => {
    const governor = new Governor(1, 2);
    changes(governor, times(3, 2));
    expect(changes(governor, times(50, BACK_AT))).toEqual([]);
    expect(changes(governor, [...times(5, 0), 0.8, ...times(5, 0), 0.8])).toEqual([]);
    expect(governor.level).toBe(1);
  });

  test("reports once that nothing is left to save, and again only after a recovery", () => {
    const governor = new Governor(1, 2);
    changes(governor, times(6, 2));
    expect(changes(governor, times(100, 2))).toEqual([[2, { level: 2, kind: "exhausted" }]]);
    changes(governor, times(6, 0));
    expect(changes(governor, times(100, 2)).map(([, { kind }]) => kind)).toEqual(["over", "exhausted"]);
  });

  test("does not report that while another saving is left", () => {
    const governor = new Governor(1, 2);
    changes(governor, times(6, 2));
    for (let window = 0; window < 21; window++) expect(governor.window(2, true)).toBeNull();
    expect(changes(governor, times(3, 2))).toEqual([[2, { level: 2, kind: "exhausted" }]]);
  });

  test("ends at level 1 if sampling is off already", () => {
    expect(changes(new Governor(1, 1), times(10, 2)).map(([, change]) => change)).toEqual([
      { level: 1, kind: "over" },
      { level: 1, kind: "exhausted" },
    ]);
  });

  test("never changes without a budget", () => {
    expect(changes(new Governor(0, 2), [...times(10, 100), ...times(10, 0)])).toEqual([]);
  });

  test("starts counting again with a new budget", () => {
    const governor = new Governor(1, 2);
    changes(governor, times(2, 2));
    expect(governor.setLimits(1.5, 2)).toBeNull();
    expect(changes(governor, times(2, 2))).toEqual([]);
    expect(governor.window(2)).toEqual({ level: 1, kind: "over" });
    expect(governor.setLimits(0, 2)).toEqual({ level: 0, kind: "off" });
    expect(governor.setLimits(0, 2)).toBeNull();
  });

  test("leaves a level that no longer exists", () => {
    const governor = new Governor(1, 2);
    changes(governor, times(6, 2));
    expect(governor.setLimits(1, 1)).toEqual({ level: 1, kind: "under" });
  });
});
