import { describe, expect, test } from "bun:test";
import { AnswerBudget } from "../../src/api/answer-budget.ts";

const MS = 1e6;

class Machine {
  nowMs = 0;
  usedNs = 0;
  readonly budget: AnswerBudget;

  constructor(pct: number) {
    this.budget = new AnswerBudget(
      pct,
      () => this.usedNs,
      () => this.nowMs,
    );
  }

  pass(ms: number, usedMs: number): void {
    this.nowMs += ms;
    this.usedNs += usedMs * MS;
  }
}

describe("the budget of answering", () => {
  test("lets what was saved up be used at once, then refuses until the share of a core has made up for it", () => {
    const machine = new Machine(5);
    machine.pass(400, 400);
    expect(machine.budget.ask()).toBe("answer");
    machine.pass(200, 200);
    expect(machine.budget.ask()).toBe("refuse");
    // 600 ms were used, 500 ms saved up, and 30 ms came since.
    expect(machine.budget.retryAfterS).toBe(2);
    machine.pass(1300, 0);
    expect(machine.budget.ask()).toBe("refuse");
    machine.pass(101, 0);
    expect(machine.budget.ask()).toBe("answer");
  });

  test("saves up ten seconds at most", () => {
    const machine = new Machine(5);
    machine.pass(3_600_000, 0);
    machine.budget.ask();
    machine.pass(0, 500);
    expect(machine.budget.ask()).toBe("refuse");
  });

  test("stops accepting for a while only if refusing takes too much as well", () => {
    const machine = new Machine(5);
    machine.pass(0, 5000);
    expect([machine.budget.ask(), machine.budget.restMs()]).toEqual(["refuse", 0]);
    machine.pass(0, 49);
    expect([machine.budget.ask(), machine.budget.restMs()]).toEqual(["refuse", 0]);
    machine.pass(0, 2);
    expect([machine.budget.ask(), machine.budget.restMs()]).toEqual(["refuse", 20]);
    machine.pass(0, 1000);
    expect([machine.budget.ask(), machine.budget.restMs()]).toEqual(["refuse", 250]);
  });

  test("0 is no limit, and the share can change while it runs", () => {
    const machine = new Machine(0);
    machine.pass(0, 1e6);
    expect([machine.budget.ask(), machine.budget.restMs()]).toEqual(["answer", 0]);
    machine.budget.pct = 5;
    machine.pass(0, 1);
    expect(machine.budget.ask()).toBe("refuse");
    machine.budget.pct = 0;
    expect(machine.budget.ask()).toBe("answer");
  });
});
