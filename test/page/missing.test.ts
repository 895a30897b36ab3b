import { describe, expect, test } from "bun:test";
import { balanceOf, lossesOf } from "../../src/page/losses.ts";
import { missingOfCommands, missingOfGroups, missingOfProcesses } from "../../src/page/missing.ts";
import { delayMs } from "../../src/page/retry.ts";
import { COUNTERS, PAGE_FAULTS } from "../api/made-up.ts";
import { statusWith } from "./made-up.ts";

describe("notes about missing data", () => {
  test("have no sentence and no count if nothing is missing", () => {
    const status = statusWith();
    expect(lossesOf(status)).toEqual([]);
    expect([...missingOfProcesses(status, 5, 5), ...missingOfProcesses(status, 100, 500)]).toEqual([]);
    expect(missingOfCommands(status, true, null)).toEqual([]);
    expect(missingOfGroups(status, true)).toEqual([]);
  });

  test("show every counted loss", () => {
    const status = statusWith({ ...COUNTERS, lost_by_reason: { ring_full: 1, no_ring: 9 }, page_faults: PAGE_FAULTS });
    const losses = lossesOf({
      ...status,
      processes: { live: 1, lingering: 0, lost_exits: 11 },
      api: { ...status.api, missed: 12 },
    });
    const { samples } = COUNTERS;
    expect(losses.map(({ count }) => count).sort((a, b) => a - b)).toEqual(
      [
        ...[1, 9, 1, PAGE_FAULTS.lost, 6, 2, 11, 12, COUNTERS.unwritten.lines],
        ...[samples.dropped_output_full, samples.dropped_no_memory, samples.baseline_missing],
        samples.threads_not_summed,
      ].sort((a, b) => a - b),
    );
  });

  test("have the balance of /status", () => {
    const rows = new Map(balanceOf(statusWith({ ...COUNTERS })).map(({ name, counts }) => [name, counts]));
    const sum = (...names: string[]) => names.reduce((total, name) => total + (rows.get(name)?.[0] ?? 0), 0);
    expect(sum("seen")).toBe(sum("filtered", "suppressed", "folded", "emitted"));
    expect(sum("emitted")).toBe(sum("received", "lost"));
  });

  test("name the figures that a level of detail or backend cannot show", () => {
    const processes = (changes: Parameters<typeof statusWith>[0]) => missingOfProcesses(statusWith(changes), 5, 5);
    expect(processes({ sampling: null })).toEqual([expect.stringContaining("sampling is off")]);
    expect(processes({ budget: { level: 2, step: "no_samples" as const, cost_pct: 2, budget_pct: 1 } })).toEqual([
      expect.stringContaining("budget is exceeded"),
    ]);
    expect(processes({ detail: "summary" })).toEqual([expect.stringContaining("first scan")]);
    expect(missingOfProcesses(statusWith(), 1000, 2345)).toEqual([expect.stringContaining("1000 of 2345")]);

    const commands = (changes: Parameters<typeof statusWith>[0]) => missingOfCommands(statusWith(changes), true, null);
    expect(commands({ detail: "summary" })).toEqual([expect.stringContaining("all processes that ended")]);
    const tracepoint = { backend: "tracepoint", missing_fields: ["exit_code", "cpu_user_ns", "auid"] };
    expect(commands(tracepoint)).toEqual(["The tracepoint backend gives no values for results, CPU time."]);
    expect(commands({ filtered: { fork: 0, exec: 0, exit: 7 } })).toEqual([expect.stringContaining("not listed: 7.")]);
    expect(missingOfCommands(statusWith({ detail: "summary" }), true, "no connection")).toEqual([
      expect.stringContaining("no connection"),
      expect.stringContaining("all processes that ended"),
    ]);
    expect(missingOfCommands(statusWith(), false, "no connection")).toEqual([expect.stringContaining("events")]);

    expect(missingOfGroups(statusWith(tracepoint), true)).toEqual([expect.stringContaining("short-lived")]);
    expect(missingOfGroups(statusWith({ sampling: null }), false)).toEqual([
      expect.stringContaining("metrics.groups"),
      expect.stringContaining("sampling is off"),
    ]);
  });
});

test("each further attempt waits longer, and never less than the daemon's Retry-After", () => {
  expect([0, 1, 2, 3, 4, 99].map((failures) => delayMs(failures, 0))).toEqual([
    2000, 4000, 8000, 16_000, 30_000, 30_000,
  ]);
  expect(delayMs(0, 60)).toBe(60_000);
});
