import { describe, expect, test } from "bun:test";
import { firstStormRate, StormControl } from "../../src/collect/storm-control.ts";

function parts(stormRate: number | "auto") {
  const given = { budget: { cpuPct: 1, stormRate }, ring: { sizeBytes: 256 * 1024 } };
  const config = given as unknown as ConstructorParameters<typeof StormControl>[1];
  const state = { nowNs: 0, cpuNs: 0, fork: 0, suppressed: 0, fill: 0, rates: [] as number[], kinds: [] as string[] };
  const control = new StormControl(
    {
      get received() {
        return { fork: state.fork, exec: 0, exit: 0 };
      },
      counts: () => ({ suppressed: { fork: state.suppressed, exec: 0, exit: 0 } }),
      takeRingFill: () => state.fill,
      setStormRate: (rate) => state.rates.push(rate),
    },
    config,
    { nowNs: () => state.nowNs, cpuNs: () => state.cpuNs, kernelNsPerEvent: () => 1000 },
    ({ kind }) => state.kinds.push(kind),
  );
  /** Lets seconds pass with the given CPU time and number of events. */
  const pass = (seconds: number, cpuPct: number, sent: number, suppressed = 0) => {
    for (let half = 0; half < 2 * seconds; half++) {
      state.nowNs += 0.5e9;
      state.cpuNs += (cpuPct / 100) * 0.5e9;
      state.fork += sent / 2;
      state.suppressed += suppressed / 2;
      control.tick();
    }
  };
  return { control, state, pass, config };
}

describe("StormControl", () => {
  test("starts with the rate that the rings have room for, or with the configured rate", () => {
    expect([parts("auto"), parts(500), parts(0)].map(({ config }) => firstStormRate(config))).toEqual([13_107, 500, 0]);
  });

  test("does not count the cost of the start, but the fill of rings", () => {
    const { state, pass } = parts("auto");
    pass(9, 20, 3000);
    expect(state.rates).toEqual([]);
    state.fill = 0.9;
    pass(0.5, 20, 30_000);
    expect(state.rates).toEqual([6553]);
    expect(state.kinds).toEqual(["rings"]);
  });

  test("lowers the rate within three seconds of an overload, and raises it afterwards", () => {
    const { control, state, pass } = parts("auto");
    pass(11, 0.5, 500);
    expect(control.isLimited).toBe(false);
    pass(1, 9, 10_000);
    expect(control.isLimited).toBe(true);
    // 9 % in user space and 1 % in the kernel, for ten times the events that the budget has room for.
    expect(state.rates).toEqual([1000]);
    pass(60, 0.3, 100, 10_000);
    expect(state.rates).toEqual([1000]);
    pass(31, 0.3, 100);
    expect(state.rates).toEqual([1000, 13_107]);
    expect(state.kinds).toEqual(["cost", "raised"]);
    expect(control.isLimited).toBe(false);
  });

  test("does not limit few events, whatever sampling costs, because a lower rate would not help", () => {
    const { control, state, pass } = parts("auto");
    pass(60, 3, 900);
    expect(state.rates).toEqual([]);
    expect(control.canLower).toBe(false);
    pass(1, 0.1, 2000);
    expect(control.canLower).toBe(true);
  });

  test("keeps a configured rate", () => {
    const { state, pass } = parts(500);
    pass(30, 50, 10_000);
    expect(state.rates).toEqual([]);
  });

  test("starts from the first rate again after the setting changes", () => {
    const { control, config, state, pass } = parts("auto");
    pass(11, 0.5, 500);
    pass(1, 9, 10_000);
    control.reconfigure({ ...config, budget: { ...config.budget, cpuPct: 2 } });
    pass(60, 0.3, 100, 10_000);
    expect(state.rates).toEqual([1000]);
  });
});
