import { describe, expect, test } from "bun:test";
import { DEFAULT_MS, type OverheadOptions, QUICK_MS, type SubjectChoice } from "../../src/overhead/options.ts";
import { phasesOf, planOf, sweepRates } from "../../src/overhead/plan.ts";

const LINNIX_FLUSH_MS = 1000;

function options(more: Partial<OverheadOptions> = {}): OverheadOptions {
  const usual = more.quick ? QUICK_MS : DEFAULT_MS;
  return {
    subject: { kind: "command", argv: ["true"] },
    baselineMs: usual.baseline,
    durationMs: usual.duration,
    intervalMs: usual.interval,
    thresholdPct: 1,
    rate: null,
    profile: "seed",
    seed: 1,
    quick: false,
    ...more,
  };
}

const LINNIX = { kind: "linnix" } as SubjectChoice;

function seconds(more: Partial<OverheadOptions>, flushMs: number | null = LINNIX_FLUSH_MS): number {
  return phasesOf(planOf(options(more), flushMs)).reduce((total, phase) => total + phase.seconds, 0);
}

describe("the time of a run", () => {
  test("is below three minutes, and below half a minute with --quick", () => {
    expect(seconds({ subject: LINNIX })).toBeLessThan(175);
    expect(seconds({ subject: LINNIX, quick: true })).toBeLessThan(30);
    expect(seconds({ quick: true }, null)).toBeLessThan(30);
  });

  test("grows with the duration, but some parts have a limit", () => {
    const long = planOf(options({ subject: LINNIX, durationMs: 1_800_000 }), LINNIX_FLUSH_MS);
    expect(long.slowdownMs).toBe(60_000);
    expect(long.sweep.every(({ windows, windowMs }) => windows * windowMs <= 30_000)).toBe(true);
    const short = planOf(options({ subject: LINNIX, durationMs: 1000, intervalMs: 2000 }), 50);
    expect(short.intervalMs).toBe(1000);
    expect(short.warmUp.durationMs).toBe(500);
    expect(short.leadInMs).toBe(250);
  });
});

test("a cold start is the collector's first ten seconds, and a quick test omits it", () => {
  expect(planOf(options({ subject: LINNIX }), LINNIX_FLUSH_MS).coldMs).toBe(10_000);
  expect(planOf(options({ subject: LINNIX, durationMs: 1000 }), LINNIX_FLUSH_MS).coldMs).toBe(3000);
  expect(planOf(options({ subject: LINNIX, quick: true }), LINNIX_FLUSH_MS).coldMs).toBe(0);
  expect(planOf(options(), null).coldMs).toBe(0);
});

test("a subject that the test must not stop has neither baseline nor slowdown", () => {
  const plan = planOf(options({ subject: { kind: "pid", pids: [1] } }), null);
  expect(plan).toMatchObject({ baselineMs: 0, slowdownMs: 0 });
  expect(phasesOf(plan).map(({ name }) => name)).toEqual(["noise", "start", "warm-up", "workload", "sweep"]);
});

describe("the timings of a collector", () => {
  test("follow the output for at least one flush interval", () => {
    expect(planOf(options({ subject: LINNIX }), LINNIX_FLUSH_MS).outputMs).toBe(3000);
    expect(planOf(options({ subject: LINNIX, quick: true }), LINNIX_FLUSH_MS).outputMs).toBe(1000);
    expect(planOf(options({ subject: LINNIX, quick: true }), 5000).outputMs).toBe(5000);
  });

  test("are omitted for another subject, and need a few seconds of the test", () => {
    expect(planOf(options(), null)).toMatchObject({ outputMs: 0, steps: null });
    for (const [quick, most] of [
      [false, 6],
      [true, 3],
    ] as const) {
      const parts = phasesOf(planOf(options({ subject: LINNIX, quick }), LINNIX_FLUSH_MS));
      const own = parts.filter(({ name }) => name === "output" || name === "steps");
      expect(own).toHaveLength(2);
      expect(own.reduce((total, part) => total + part.seconds, 0)).toBeLessThan(most);
    }
  });
});

describe("rates of the sweep", () => {
  test("start with 0, and do not repeat the workload's rate", () => {
    for (const rate of [0.19, 1.9, 7.7, 100, 150, 400, 20_000]) {
      for (const quick of [false, true]) {
        const rates = sweepRates(rate, quick);
        expect(rates[0]).toBe(0);
        expect(rates).not.toContain(rate);
        expect(new Set(rates).size).toBe(rates.length);
      }
    }
  });

  test("exceed a usual rate, and stay below a rate that the machine may not reach", () => {
    expect(sweepRates(100, false)).toEqual([0, 50, 200]);
    expect(sweepRates(100, true)).toEqual([0, 200]);
    expect(sweepRates(1000, false)).toEqual([0, 250, 500]);
    expect(sweepRates(0.19, false)).toEqual([0, 50, 200]);
  });
});
