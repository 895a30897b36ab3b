import { describe, expect, test } from "bun:test";
import { Model } from "../../src/page/model.ts";
import type { TotalsEvent } from "../../src/wire/event.ts";
import { answersWith, commandsWith, figuresWith, groupsWith, groupWith } from "./made-up.ts";

const TOTALS = {
  ...{ type: "totals", comm: "make", other: false, exited: { ok: 5, error: 0, signal: 0, unknown: 0 } },
  ...{ exited_cpu_user_ns: 3e6, exited_cpu_system_ns: 1e6, peak_rss_bytes: 9 },
} as TotalsEvent;

const counts = (each: number) => ({ fork: each, exec: each, exit: each });

describe("the data of the page", () => {
  test("rates are computed between two refreshes; the first refresh has none", () => {
    const model = new Model();
    model.take(answersWith({ seen: counts(1000) }), 1_000, 0);
    expect([model.rate, model.rates.values]).toEqual([null, [null]]);
    model.take(answersWith({ seen: counts(1100) }), 3_000, 0);
    expect(model.rate).toEqual(counts(50));
    expect(model.rates.values).toEqual([null, 150]);
    expect(model.costs.values).toEqual([0.375, 0.375]);
  });

  test("short-lived processes are counted in the daemon's window", () => {
    const model = new Model();
    const shortOf = (commands: ReturnType<typeof commandsWith> | null) => {
      model.take(answersWith({}, { commands }), 1_000, 0);
      return model.short;
    };
    // The daemon counts from the first request on.
    expect(shortOf(commandsWith([], 0))).toBeNull();
    expect(shortOf(commandsWith([{ comm: "true", ...figuresWith() }]))).toEqual({
      perSecond: 1,
      cpuPct: 1,
      busySharePct: 2,
    });
    expect(model.commands.rows).toMatchObject([{ comm: "true", count: 60 }]);
    const unknown = figuresWith({ cpu_unknown: 60 });
    expect(shortOf({ ...commandsWith([]), all: unknown })).toEqual({ perSecond: 1, cpuPct: null, busySharePct: null });
    expect(model.hasEnds).toBe(true);
    expect(shortOf({ ...commandsWith([]), all: figuresWith({ short_lived: null }) })).toBeNull();
    expect(model.hasEnds).toBe(false);
    expect(shortOf(null)).toBeNull();
    expect(model.commands).toEqual({ coveredS: 0, rows: [] });
  });

  test("groups are the daemon's, with CPU use since the previous refresh, else sums over the processes", () => {
    const model = new Model();
    const groupsAt = (ms: number, ...groups: ReturnType<typeof groupWith>[]) => {
      model.take(answersWith({}, { groups: groupsWith(...groups) }), ms, 0);
      return model.groups;
    };
    expect(groupsAt(1000, groupWith({ cpu_user_s: 1 }))).toMatchObject([{ cpuPct: null }]);
    expect(groupsAt(3000, groupWith({ cpu_user_s: 2 }))).toMatchObject([{ cpuPct: 50 }]);
    model.interrupt();
    expect(groupsAt(9000, groupWith({ cpu_user_s: 8 }))).toMatchObject([{ cpuPct: null }]);
    expect(model.hasGroups).toBe(true);
    model.take(answersWith({}, { groups: null }), 11_000, 0);
    expect([model.hasGroups, model.groups]).toEqual([false, []]);
    expect(groupsAt(13_000, groupWith({ cpu_user_s: 9 }))).toMatchObject([{ cpuPct: null }]);
  });

  test("reasons that were not requested stay", () => {
    const model = new Model();
    model.take(answersWith({}, { reasons: ["a ring is missing"] }), 1_000, 0);
    model.take(answersWith({}, { reasons: null }), 2_000, 0);
    expect(model.reasons).toEqual(["a ring is missing"]);
  });

  test("an interruption is a gap in the charts, and the next refresh has no rates", () => {
    const model = new Model();
    const take = (each: number, nowMs: number) =>
      model.take(answersWith({ detail: "summary", seen: counts(each) }, { commands: null }), nowMs, 0);
    take(10, 1_000);
    take(20, 2_000);
    model.event("totals", TOTALS, 2_500, 0);
    model.interrupt();
    model.interrupt();
    // The shown data stays.
    expect(model.commands.rows).toHaveLength(1);
    take(9000, 60_000);
    expect(model.rate).toBeNull();
    expect(model.rates.values).toEqual([null, 30, null, null]);
    expect(model.commands.rows).toEqual([]);
  });

  test("a restart of the daemon is logged, and counts start at 0 again", () => {
    const model = new Model();
    model.take(answersWith({ seen: counts(1000) }), 1_000, 0);
    model.take(answersWith({ seen: counts(5), started: "2026-09-21T15:00:00.000Z" }), 3_000, 77);
    expect(model.rate).toBeNull();
    expect(model.log.lines).toEqual([{ atMs: 77, text: expect.stringContaining("restarted"), tone: "bad" }]);
  });

  test("the page follows events of the collector, and totals at detail summary, but no events of processes", () => {
    const model = new Model();
    const at = (detail: "events" | "processes" | "summary") => {
      model.take(answersWith({ detail }), 1_000, 0);
      return model.wantedTypes;
    };
    expect(at("events")).toEqual(["storm", "lost", "degraded"]);
    expect(at("processes")).toEqual(["storm", "lost", "degraded"]);
    expect(at("summary")).toEqual(["totals", "storm", "lost", "degraded"]);
  });

  test("the page keeps the figures of the last three minutes", () => {
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
    const source = { kind: "process", pid: 7, comm: "sh" };
    expect(log("storm", { state: "begin", source })).toBe(
      "storm: events of process 7 (sh) are counted instead of sent",
    );
    const suppressed = { fork: 3, exec: 1, exit: 2 };
    expect(log("storm", { state: "end", source, suppressed })).toBe(
      "storm of process 7 (sh) is over: 6 events were counted",
    );
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
