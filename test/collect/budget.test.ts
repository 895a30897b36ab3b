import { describe, expect, test } from "bun:test";
import { Budget, WINDOW_NS } from "../../src/collect/budget.ts";
import type { BudgetChange } from "../../src/collect/governor.ts";

/** A machine whose clocks are moved by hand. */
class Hands {
  now = 1e9;
  cpu = 5e9;
  kernel: number | null = null;
  sent = 1;
  readonly changes: BudgetChange[] = [];
  readonly budget: Budget;

  constructor(budgetPct: number) {
    this.budget = new Budget({
      budgetPct,
      lastLevel: 2,
      canGiveMore: () => false,
      clocks: { nowNs: () => this.now, cpuNs: () => this.cpu, kernelNs: () => this.kernel, sentShare: () => this.sent },
      onChange: (change) => this.changes.push(change),
    });
  }

  /** One second in which this process and its BPF programs use the given shares of a core; then a tick. */
  second(cpuPct: number, kernelPct = 0): void {
    this.now += 1e9;
    this.cpu += cpuPct * 1e7;
    if (this.kernel !== null) this.kernel += kernelPct * 1e7;
    this.budget.tick();
  }

  seconds(count: number, cpuPct: number, kernelPct = 0): void {
    for (let i = 0; i < count; i++) this.second(cpuPct, kernelPct);
  }
}

describe("Budget", () => {
  test("does not count the start", () => {
    expect(WINDOW_NS).toBe(10e9);
    const hands = new Hands(1);
    hands.seconds(10, 100);
    hands.seconds(9, 0.5);
    expect(hands.budget.costPct).toBeNull();
    hands.second(0.5);
    expect(hands.budget.costPct).toBeCloseTo(0.5, 9);
    expect(hands.budget.level).toBe(0);
    expect(hands.changes).toEqual([]);
  });

  test("averages over the elapsed time", () => {
    const hands = new Hands(1);
    hands.seconds(10, 0);
    hands.now += 39e9;
    hands.second(80);
    expect(hands.budget.cpuPct).toBeCloseTo(2, 9);
  });

  test("adds the cost of BPF programs if it is known for the whole window", () => {
    const hands = new Hands(1);
    hands.seconds(10, 0);
    hands.seconds(10, 0.6);
    expect(hands.budget.inKernelPct).toBeNull();
    hands.kernel = 7e9;
    hands.seconds(10, 0.6, 0.6);
    expect(hands.budget.inKernelPct).toBeNull();
    hands.seconds(10, 0.6, 0.6);
    expect(hands.budget.inKernelPct).toBeCloseTo(0.6, 9);
    expect(hands.budget.costPct).toBeCloseTo(1.2, 9);
    hands.seconds(20, 0.6, 0.6);
    expect(hands.changes).toEqual([{ level: 1, kind: "over" }]);
  });

  test("counts the cost of BPF programs only for sent events", () => {
    const hands = new Hands(1);
    hands.kernel = 0;
    hands.sent = 0.25;
    hands.seconds(20, 0.5, 1.6);
    expect(hands.budget.inKernelPct).toBeCloseTo(1.6, 9);
    expect(hands.budget.costPct).toBeCloseTo(0.9, 9);
    hands.seconds(60, 0.5, 1.6);
    expect(hands.changes).toEqual([]);
  });

  test("measures without a budget too", () => {
    const hands = new Hands(0);
    hands.seconds(60, 3);
    expect(hands.budget.costPct).toBeCloseTo(3, 9);
    expect(hands.changes).toEqual([]);
  });

  test("applies new limits, and reports the changes that they cause", () => {
    const hands = new Hands(1);
    hands.seconds(70, 3);
    expect(hands.budget.level).toBe(2);
    hands.budget.setLimits(0, 2);
    expect(hands.budget.level).toBe(0);
    expect(hands.changes.map(({ kind }) => kind)).toEqual(["over", "over", "off"]);
  });
});
