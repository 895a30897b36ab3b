import { describe, expect, test } from "bun:test";
import { AnswerBudget } from "../../src/api/answer-budget.ts";
import { AnswerTime } from "../../src/api/answer-time.ts";
import { ScarceAnswers } from "../../src/api/scarce-answers.ts";
import { startMadeUp } from "./made-up.ts";

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
  test("permits the saved time at once, then refuses until the share of a core has made up for it", () => {
    const machine = new Machine(5);
    machine.pass(400, 400);
    expect(machine.budget.ask()).toBe("answer");
    machine.pass(200, 200);
    expect(machine.budget.ask()).toBe("refuse");
    // Answers used 600 ms, of which 500 ms were saved; 30 ms were added since.
    expect(machine.budget.retryAfterS).toBe(2);
    machine.pass(1300, 0);
    expect(machine.budget.ask()).toBe("refuse");
    machine.pass(101, 0);
    expect(machine.budget.ask()).toBe("answer");
  });

  test("saves up at most the share of ten seconds", () => {
    const machine = new Machine(5);
    machine.pass(3_600_000, 0);
    machine.budget.ask();
    machine.pass(0, 500);
    expect(machine.budget.ask()).toBe("refuse");
  });

  test("stops accepting for a while only if refusing also uses too much time", () => {
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

  test("has no limit at 0, and can change at runtime", () => {
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

test("beyond the budget, only probes and metrics of the last second are answered; other requests get 429", async () => {
  await using server = await startMadeUp();
  let usedNs = 0;
  Object.assign(server.source, { answerTime: new AnswerTime(() => usedNs) });
  const status = async (path: string, init?: RequestInit) => (await fetch(server.url(path), init)).status;
  const metrics = async (accept = "text/plain") =>
    (await fetch(server.url("/metrics"), { headers: { Accept: accept } })).text();
  expect(await status("/status")).toBe(200);
  server.source.answerTime.begin();
  usedNs += 3600e9;
  server.source.answerTime.end();
  expect(await status("/status")).toBe(429);
  expect(await status("/processes")).toBe(429);
  expect(await status("/events")).toBe(429);
  expect([await status("/healthz"), await status("/readyz")]).toEqual([200, 200]);
  const [first, second] = [await metrics(), await metrics()];
  expect(first).toStartWith("# HELP");
  // The text is the same, although requests were counted in between.
  expect(second).toBe(first);
  expect(await metrics("application/openmetrics-text")).toEndWith("# EOF\n");
  expect(await status("/metrics", { method: "HEAD" })).toBe(200);
  expect(await status("/metrics?x=1")).toBe(429);
});

test("a cached answer is made at most once a second, and freed afterwards", () => {
  let nowMs = 0;
  let made = 0;
  const answers = new ScarceAnswers(() => nowMs);
  const give = (key: string) => answers.give(key, () => ({ body: `${key} ${++made}`, type: "text/plain" })).body;
  expect([give("a"), give("a"), give("b"), give("a")]).toEqual(["a 1", "a 1", "b 2", "a 1"]);
  nowMs = 999;
  answers.sweep();
  expect(give("a")).toBe("a 1");
  nowMs = 1000;
  expect([give("a"), give("b")]).toEqual(["a 3", "b 4"]);
});
