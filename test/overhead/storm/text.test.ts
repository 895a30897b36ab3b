import { describe, expect, test } from "bun:test";
import { NOTHING } from "../../../src/overhead/storm/figures.ts";
import { stormJsonReport } from "../../../src/overhead/storm/report/json.ts";
import { stormTextReport } from "../../../src/overhead/storm/report/text.ts";
import { goodFigures, reportOf } from "./figures.ts";

const PLAIN = { color: false, columns: 80, beginningShown: true };
const SCREEN_LINES = 24;
const ESC = "\u001b";

describe("the report of a storm", () => {
  test("shows cost, steps, what was suppressed, and the neighbour", () => {
    const text = stormTextReport(reportOf(goodFigures()), { ...PLAIN, columns: null });
    for (const line of [
      "  storm          128,000 events in 12.0 s, 10,667 a second",
      "  suppressed     120,000 (93.8 %) counted instead of sent: fork 60,000, exec 0, exit 60,000",
      "  exits          of these: 60,000 with another code",
      "  sources        process 7 (linnix): 120,000 events (linnix 120,000)",
      "  steps          +2.1 s  storm_rate at 4.20 %: events cost more than the budget",
      "  cost           0.300 % of one core before, 1.50 % in the storm, 0.300 % after",
      "  cost at most   1.10 % in any 5 s from 3 s on (limit 1.20 %)",
      "  in the kernel  350 ns an event, 0.400 % of one core in the storm",
      "  lost           0 of 11,000 events sent",
      "  neighbour      100 %: 1,850 of 1,850 processes, in order",
    ]) {
      expect(text.split("\n")).toContain(line);
    }
    expect(text.trimEnd().split("\n").at(-1)).toStartWith("✓ PASS: nothing lost; ");
  });

  test("fits one screen with many sources and steps, and --verbose lists them all", () => {
    const figures = goodFigures();
    const [source] = figures.sources;
    const [step] = figures.steps;
    if (!source || !step) throw new Error("no source");
    figures.sources = Array.from({ length: 16 }, (_, pid) => ({ ...source, name: `process ${pid} (sh)` }));
    figures.steps = Array.from({ length: 9 }, (_, at_s) => ({ ...step, at_s }));
    const report = reportOf(figures);
    const text = stormTextReport(report, PLAIN);
    expect(text.trimEnd().split("\n").length).toBeLessThan(SCREEN_LINES);
    expect(text).toContain("13 more: 1,560,000 events");
    expect(text).toContain("6 more");
    const whole = stormTextReport(report, { ...PLAIN, verbose: true });
    for (const { name } of figures.sources) expect(whole).toContain(`${name}: `);
    expect(whole).not.toMatch(/\d more\b/);
  });

  test("fits the columns, and has colour only if colour is on", () => {
    const report = reportOf(goodFigures());
    const text = stormTextReport(report, { ...PLAIN, beginningShown: false });
    expect(text.split("\n").filter((line) => Bun.stringWidth(line) > 80)).toEqual([]);
    expect(text).not.toContain(ESC);
    expect(text).toContain("4 loops that fork as fast as they can");
    expect(text.replaceAll(/\s+/g, " ")).toContain("(cpu.weight 1, pids.max 256)");
    expect(stormTextReport(report, { ...PLAIN, color: true })).toContain(ESC);
  });

  test("escapes control characters", () => {
    const figures = goodFigures();
    figures.sources[0]?.comms.push({ comm: `x${ESC}[2J`, count: 1 });
    expect(stormTextReport(reportOf(figures), PLAIN)).not.toContain(ESC);
  });

  test("reports the phase in which an incomplete run ended", () => {
    const text = stormTextReport(reportOf(NOTHING, "SIGINT came during the warm-up"), PLAIN);
    expect(text).toContain("RESULTS (incomplete: SIGINT came during the warm-up)");
    expect(text).toContain("~ INCONCLUSIVE: SIGINT came during the warm-up");
  });

  test("is JSON with a schema", () => {
    const report = reportOf(goodFigures());
    expect(JSON.parse(stormJsonReport(report))).toEqual(JSON.parse(JSON.stringify(report)));
    expect(report.schema).toBe("linnix.overhead-storm/1");
  });
});
