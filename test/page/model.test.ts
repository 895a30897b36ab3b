import { describe, expect, test } from "bun:test";
import { Model } from "../../src/page/model.ts";
import { answersWith, endWith } from "./made-up.ts";

const counts = (each: number) => ({ fork: each, exec: each, exit: each });

describe("what the page knows", () => {
  test("rates are those between two refreshes; the first has none", () => {
    const model = new Model();
    model.take(answersWith({ seen: counts(1000) }), 1_000, 0);
    expect([model.rate, model.short, model.rates.values]).toEqual([null, null, [null]]);
    model.event("exit", endWith(), 2_000, 0);
    model.event("exit", endWith({ duration_ns: 2e9 }), 2_000, 0);
    model.take(answersWith({ seen: counts(1100) }), 3_000, 0);
    expect(model.rate).toEqual(counts(50));
    expect(model.rates.values).toEqual([null, 150]);
    expect(model.costs.values).toEqual([0.375, 0.375]);
    // One of 5 ms in two seconds; that of 2 s is none.
    expect(model.short).toEqual({ perSecond: 0.5, cpuPct: 0.1 });
    expect(model.commands.rows(model.atS)).toMatchObject([{ comm: "true", count: 1 }]);
  });

  test("an interruption is a gap in the charts, and what follows it is no rate", () => {
    const model = new Model();
    model.take(answersWith({ seen: counts(10) }), 1_000, 0);
    model.take(answersWith({ seen: counts(20) }), 2_000, 0);
    model.event("exit", endWith(), 2_500, 0);
    model.interrupt();
    model.interrupt();
    // What was shown stays.
    expect(model.commands.rows(model.atS)).toHaveLength(1);
    model.take(answersWith({ seen: counts(9000) }), 60_000, 0);
    expect(model.rate).toBeNull();
    expect(model.rates.values).toEqual([null, 30, null, null]);
    expect(model.commands.rows(model.atS)).toEqual([]);
  });

  test("a restart of the daemon is noted, and its counts begin at 0", () => {
    const model = new Model();
    model.take(answersWith({ seen: counts(1000) }), 1_000, 0);
    model.take(answersWith({ seen: counts(5), started: "2026-09-21T15:00:00.000Z" }), 3_000, 77);
    expect(model.rate).toBeNull();
    expect(model.log.lines).toEqual([{ atMs: 77, text: expect.stringContaining("restarted"), tone: "bad" }]);
  });

  test("follows the events of the level of detail", () => {
    const model = new Model();
    const at = (detail: "events" | "processes" | "summary") => {
      model.take(answersWith({ detail }), 1_000, 0);
      return model.wantedTypes;
    };
    expect(at("events")).toEqual(["exit", "lost", "degraded"]);
    expect(at("processes")).toEqual(["process", "lost", "degraded"]);
    expect(at("summary")).toEqual(["totals", "lost", "degraded"]);
    expect(model.short).toBeNull();
  });

  test("does not follow more ends than the collector can hand out, and does again below half of that", () => {
    const model = new Model();
    let seen = 0;
    let nowMs = 0;
    const after = (perSecond: number) => {
      seen += perSecond;
      nowMs += 1000;
      model.take(answersWith({ seen: counts(seen) }), nowMs, 0);
      return model.wantedTypes.includes("exit");
    };
    expect([1, 2999, 3001, 2000, 1501, 1499].map(after)).toEqual([true, true, false, false, false, true]);
  });

  test("keeps the figures of the last three minutes", () => {
    const model = new Model();
    for (let i = 1; i <= 200; i++) model.take(answersWith({ seen: counts(i) }), i * 1000, 0);
    expect(model.rates.values).toHaveLength(36);
  });

  test("losses, changes of the budget and gaps of the stream are logged", () => {
    const model = new Model();
    const log = (type: string, data: unknown) => {
      model.event(type, data, 0, 5);
      return model.log.lines[0]?.text;
    };
    expect(log("lost", { cpu: 3, reason: "ring_full", count: 1 })).toBe("1 record of CPU 3 lost: its ring was full");
    expect(log("lost", { cpu: 3, reason: "no_ring", count: 2 })).toBe("2 records of CPU 3 lost: the CPU had no ring");
    expect(log("degraded", { level: 1, step: "fewer_samples", reason: "over" })).toBe("budget, fewer_samples: over");
    expect(log("gap", { type: "gap", reason: "slow-client", missed: 412 })).toStartWith("412 events did not reach");
    expect(log("gap", { type: "gap", reason: "other-run", missed: null })).toContain("restarted");
    expect(log("gap", { type: "gap", reason: "of-a-later-version", missed: 1 })).toBe("missing: 1 event");
    const before = model.log.lines;
    for (const data of [undefined, null, 7, "x"]) model.event("lost", data, 0, 5);
    expect(model.log.lines).toBe(before);
    for (let i = 0; i < 100; i++) log("lost", { cpu: i, reason: "ring_full", count: 1 });
    expect(model.log.lines).toHaveLength(50);
  });
});
