import { describe, expect, test } from "bun:test";
import { EndedCommands } from "../../src/page/short-lived.ts";
import type { TotalsEvent } from "../../src/wire/event.ts";
import { endWith } from "./made-up.ts";

const TOTALS = {
  type: "totals",
  comm: "make",
  other: false,
  exited: { ok: 5, error: 2, signal: 1, unknown: 0 },
  exited_cpu_user_ns: 3e6,
  exited_cpu_system_ns: 1e6,
  peak_rss_bytes: 9,
} as TotalsEvent;

describe("commands that ended", () => {
  test("are added up by name over the last minute", () => {
    const commands = new EndedCommands();
    commands.clear(0);
    commands.add(endWith({ exit_code: 1, peak_rss_bytes: 10, args: ["true", "a"] }), 1);
    commands.add(endWith({ exit_code: null, signal: "SIGKILL", peak_rss_bytes: 5, args: ["true", "b"] }), 30);
    commands.add(endWith({ comm: "ls" }), 59);
    expect(commands.rows(59)).toEqual([
      {
        comm: "true",
        count: 2,
        failed: 2,
        resultUnknown: 0,
        cpuNs: 4e6,
        durationNs: 10e6,
        peakRssBytes: 10,
        args: ["true", "b"],
        argsTruncated: false,
      },
      expect.objectContaining({ comm: "ls", count: 1, failed: 0 }),
    ]);
    expect(commands.rows(66)).toMatchObject([{ count: 1 }, { count: 1 }]);
    expect(commands.rows(500)).toEqual([]);
    expect([commands.watchedS(7), commands.watchedS(600)]).toEqual([7, 60]);
  });

  test("what the backend does not know stays unknown, and is no 0", () => {
    const commands = new EndedCommands();
    const unknown = { exit_code: null, cpu_user_ns: null, cpu_system_ns: null, peak_rss_bytes: null, args: null };
    commands.add(endWith({ ...unknown, args_truncated: null }), 1);
    expect(commands.rows(1)).toMatchObject([{ resultUnknown: 1, failed: 0, cpuNs: null, peakRssBytes: null }]);
  });

  test("names without end do not take memory without end", () => {
    const commands = new EndedCommands();
    for (let i = 0; i < 5000; i++) commands.add(endWith({ comm: `c${i}` }), i / 1000);
    const rows = commands.rows(5);
    expect(rows.length).toBeLessThanOrEqual(501);
    expect(rows[0]?.comm).toBe("(others)");
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(5000);
  });

  test("totals count too, with their rest apart", () => {
    const commands = new EndedCommands();
    commands.addTotals(TOTALS, 1);
    commands.addTotals({ ...TOTALS, exited: { ok: 0, error: 0, signal: 0, unknown: 0 } }, 1);
    commands.addTotals({ ...TOTALS, other: true, exited: { ok: null, error: null, signal: null, unknown: 4 } }, 1);
    expect(commands.rows(1)).toMatchObject([
      { comm: "make", count: 8, failed: 3, cpuNs: 4e6, durationNs: null },
      { comm: "(others)", count: 4, resultUnknown: 4 },
    ]);
  });
});
