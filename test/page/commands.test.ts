import { describe, expect, test } from "bun:test";
import { commandsOf, TotalsCommands } from "../../src/page/commands.ts";
import type { TotalsEvent } from "../../src/wire/event.ts";
import { commandsWith, figuresWith } from "./made-up.ts";

const TOTALS = {
  type: "totals",
  comm: "make",
  other: false,
  exited: { ok: 5, error: 2, signal: 1, unknown: 0 },
  exited_cpu_user_ns: 3e6,
  exited_cpu_system_ns: 1e6,
  peak_rss_bytes: 9,
} as TotalsEvent;

describe("short-lived commands", () => {
  test("are the commands of the answer that started and ended in the window, in the same order", () => {
    const { coveredS, rows } = commandsOf(
      commandsWith([
        { comm: "cc1", ...figuresWith({ short_lived: 2, failed: 1, cpu_pct: 3, mean_lifetime_s: 0.2 }) },
        { comm: "sh", ...figuresWith({ short_lived: 0, started: 9 }) },
        { comm: "true", ...figuresWith({ short_lived: 7, failed: 0 }) },
      ]),
    );
    expect(coveredS).toBe(60);
    expect(rows.map(({ comm, count }) => [comm, count])).toEqual([
      ["cc1", 2],
      ["true", 7],
    ]);
    expect(rows[0]).toMatchObject({ failed: 1, cpuPct: 3, lifetimeS: 0.2 });
  });

  test("have unknown figures instead of 0 if the backend does not know them", () => {
    const unknown = figuresWith({ short_lived: 3, failed: null, cpu_unknown: 3, cpu_pct: 0, peak_rss_bytes: null });
    const { rows } = commandsOf({ ...commandsWith([{ comm: "x", ...unknown }]), all: unknown });
    expect(rows).toEqual([
      expect.objectContaining({ comm: "x", count: 3, failed: null, cpuPct: null, peakRssBytes: null }),
    ]);
    const none = figuresWith({ short_lived: null, cpu_pct: null });
    expect(commandsOf({ ...commandsWith([{ comm: "x", ...none }]), all: none }).rows).toEqual([]);
  });
});

describe("totals", () => {
  test("are added up by name over the last minute", () => {
    const commands = new TotalsCommands();
    commands.clear(0);
    commands.add(TOTALS, 1);
    commands.add({ ...TOTALS, peak_rss_bytes: 20 }, 30);
    commands.add({ ...TOTALS, comm: "ls" }, 59);
    const { coveredS, rows } = commands.list(59);
    expect(coveredS).toBe(59);
    expect(rows).toEqual([
      { comm: "make", count: 16, failed: 6, cpuPct: expect.closeTo(8e6 / 5.9e8, 5), lifetimeS: null, peakRssBytes: 20 },
      expect.objectContaining({ comm: "ls", count: 8, failed: 3 }),
    ]);
    expect(commands.list(66).rows).toMatchObject([
      { comm: "ls", count: 8 },
      { comm: "make", count: 8 },
    ]);
    expect(commands.list(500)).toEqual({ coveredS: 60, rows: [] });
    commands.clear(500);
    expect(commands.list(507).coveredS).toBe(7);
  });

  test("have a separate rest, and unknown results", () => {
    const commands = new TotalsCommands();
    commands.add(TOTALS, 1);
    commands.add({ ...TOTALS, exited: { ok: 0, error: 0, signal: 0, unknown: 0 } }, 1);
    commands.add({ ...TOTALS, other: true, exited: { ok: null, error: null, signal: null, unknown: 4 } }, 1);
    expect(commands.list(1).rows).toMatchObject([
      { comm: "make", count: 8, failed: 3 },
      { comm: "(others)", count: 4, failed: null },
    ]);
  });

  test("use bounded memory for unboundedly many names", () => {
    const commands = new TotalsCommands();
    for (let i = 0; i < 5000; i++) commands.add({ ...TOTALS, comm: `c${i}` }, i / 1000);
    const { rows } = commands.list(5);
    expect(rows.length).toBeLessThanOrEqual(501);
    expect(rows[0]?.comm).toBe("(others)");
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(40_000);
  });
});
