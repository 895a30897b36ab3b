import { describe, expect, test } from "bun:test";
import { figuresOf } from "../../src/overhead/figures.ts";
import { modelPoints } from "../../src/overhead/model-figures.ts";
import type { RawRun } from "../../src/overhead/raw.ts";
import { timingsOf } from "../../src/overhead/timing-figures.ts";
import { emptyRun, quietRun, rawWindow, slowdownRounds } from "./raw-run.ts";

const OPTIONS = { thresholdPct: 1, seed: 1 };
const figures = (raw: RawRun) => figuresOf(raw, OPTIONS);

describe("averages", () => {
  test("are over the elapsed time, not over windows", () => {
    const { collector, total } = figures({
      ...emptyRun(),
      windows: [
        rawWindow("workload", { lengthS: 1, cpuPct: 1, kernelPct: 0.5 }),
        rawWindow("workload", { lengthS: 3, cpuPct: 0.2, kernelPct: 0.1 }),
      ],
    });
    expect(collector?.avg_cpu_pct).toBeCloseTo((1 * 1 + 3 * 0.2) / 4, 12);
    expect(total?.avg_cpu_pct).toBeCloseTo((1 * 1.5 + 3 * 0.3) / 4, 12);
    expect(collector?.peak_cpu_pct).toBeCloseTo(1, 12);
    expect(total?.peak_cpu_pct).toBeCloseTo(1.5, 12);
    expect(collector?.cpu_ns).toBeCloseTo(16e6, 3);
  });

  test("leave out the warm-up, the sweep and the baseline", () => {
    const { collector, samples } = figures(quietRun());
    expect(samples).toHaveLength(30);
    expect(collector?.avg_cpu_pct).toBeCloseTo(0.2, 2);
    expect(collector?.warm_up).toEqual({ duration_s: 5, avg_cpu_pct: expect.closeTo(1.2, 9), spawned: 2000 });
    expect(collector?.load).toEqual({ elapsed_ms: 120, cpu_ms: 90 });
  });

  test("of a cold start are the CPU time of a fresh collector minus that of an idle one", () => {
    // 35 ms since it began watching, against 8 ms of the idle collector, over 900 processes.
    expect(figures(quietRun()).collector?.cold).toEqual({
      duration_s: 10,
      avg_cpu_pct: expect.closeTo(1.25, 9),
      us_per_process: expect.closeTo(30, 9),
    });
    expect(figures({ ...quietRun(), cold: null }).collector?.cold).toBeNull();
  });

  test("of the machine are shares of all its processors", () => {
    const { total, baseline } = figures(quietRun());
    expect(total?.avg_machine_pct).toBeCloseTo((total?.avg_cpu_pct ?? 0) / 2, 12);
    expect(baseline?.duration_s).toBeCloseTo(10, 9);
    expect(baseline?.system_cpu_pct).toBeCloseTo(30, 9);
  });

  test("have an interval that contains them", () => {
    const { total } = figures(quietRun());
    const [lo, hi] = total?.ci95 ?? [Number.NaN, Number.NaN];
    expect(lo).toBeLessThan(0.25);
    expect(hi).toBeGreaterThan(0.25);
    expect(hi - lo).toBeLessThan(0.05);
  });
});

describe("in the kernel", () => {
  test("time that the subject calls for itself is not counted twice", () => {
    const raw = quietRun();
    const { in_kernel, total, collector } = figures(raw);
    expect(in_kernel?.avg_cpu_pct).toBeCloseTo(0.05, 9);
    expect(total?.avg_cpu_pct).toBeCloseTo((collector?.avg_cpu_pct ?? 0) + 0.05, 9);
    expect(in_kernel?.programs.at(-1)).toEqual({
      name: "list_processes",
      runs: 1,
      run_ns: 200_000,
      ns_per_run: 200_000,
      own: true,
    });
    expect(in_kernel?.ns_per_event).toBeCloseTo((0.05 * 60e7) / 18_000, 6);
  });

  test("the price of counting is its part of the counted run times", () => {
    const { statistics } = figures(quietRun()).in_kernel ?? {};
    expect(statistics?.counted_ns_per_run).toBe(50);
    expect(statistics?.cpu_pct).toBeCloseTo((100 * 18_000 * 50) / 60e9, 12);
  });

  test("without statistics the figures are null", () => {
    const raw = quietRun();
    raw.programs = null;
    for (const window of raw.windows) window.run_ns = window.runs = window.own_run_ns = null;
    const { in_kernel, total, model, collector } = figures(raw);
    expect(in_kernel).toBeNull();
    expect(total).toBeNull();
    expect(model).toBeNull();
    expect(collector).not.toBeNull();
  });
});

describe("slowdown", () => {
  test("is that of a spawn, divided over the workload's processes", () => {
    const { slowdown } = figures(quietRun());
    expect(slowdown?.operation).toBe("spawn");
    expect(slowdown?.us_per_process).toBeCloseTo(4, 0);
    expect(slowdown?.pct).toBeCloseTo((100 * (slowdown?.us_per_process ?? 0)) / 2500, 9);
    expect(slowdown?.bare_fork_pct).toBeCloseTo((100 * 1.5) / 60, 0);
    expect(slowdown?.spawn_pct).toBeCloseTo((100 * (slowdown?.us_per_process ?? 0)) / 500, 9);
    expect(slowdown?.rounds).toBe(24);
    expect(slowdown?.metric).toBe("p25");
    expect(slowdown?.operations.map(({ operation }) => operation)).toContain("bare-fork");
    expect(slowdown?.lost).toBe(0);
  });

  test("is that of a bare fork if no spawn was measured, and null if nothing was measured", () => {
    const raw = quietRun();
    raw.slowdown = [slowdownRounds("bare-fork", 60, 1.5)];
    expect(figures(raw).slowdown).toMatchObject({ operation: "bare-fork", spawn_pct: null });
    raw.slowdown = [{ ...slowdownRounds("spawn", 500, 4), rounds: [] }];
    expect(figures(raw).slowdown).toBeNull();
  });

  test("has no share if the workload made no process", () => {
    const { slowdown } = figures({ ...quietRun(), workloads: [] });
    expect(slowdown?.pct).toBeNull();
    expect(slowdown?.us_per_process).toBeCloseTo(4, 0);
  });
});

describe("model", () => {
  test("finds the idle cost, the cost of a process, and the rate that reaches the threshold", () => {
    const { model } = figures(quietRun());
    // Idling costs 0.1 %; 1e-3 + 5e-4 % for each process a second are 15 µs.
    expect(model?.idle_pct).toBeCloseTo(0.1, 1);
    expect(model?.us_per_process).toBeCloseTo(15, 0);
    expect(model?.r2).toBeGreaterThan(0.98);
    expect(model?.processes_per_second_at_threshold).toBeWithin(540, 660);
    expect(model?.rates).toEqual([0, 50, 100, 200]);
    expect(model?.environments.map(({ name }) => name)).toEqual(["small-server", "busy-api", "ci-runner"]);
  });

  test("uses the seen processes, and merges the workload's windows to the length of the sweep's", () => {
    const points = modelPoints(quietRun());
    expect(points).toHaveLength(15 + 9);
    expect(points.every(({ durationS }) => Math.abs(durationS - 4) < 1e-9)).toBe(true);
    const raw = quietRun();
    for (const window of raw.windows) if (window.phase === "sweep" && window.rate === 0) window.events = 240;
    expect(modelPoints(raw).filter(({ processesPerSecond }) => processesPerSecond === 20)).toHaveLength(3);
    for (const window of raw.windows) window.events = null;
    expect(modelPoints(raw).filter(({ processesPerSecond }) => processesPerSecond === 0)).toHaveLength(3);
  });
});

describe("noise", () => {
  test("other work is the time that neither the workload nor the subject nor this test used", () => {
    const { noise } = figures(quietRun());
    // 15 % of two processors are busy; the workload's 2.7 ms a process at 100 a second are 13.5 % of them.
    expect(noise.busy_machine_pct).toBeCloseTo(15, 6);
    expect(noise.others_machine_pct).toBeCloseTo(15 - 13.5 - 0.15, 1);
    expect(noise.cpu_pressure_pct).toBeCloseTo(2, 6);
    expect(noise.steal_machine_pct).toBe(0);
    expect(noise.null_us_ci95?.[0]).toBeLessThan(0.1);
  });
});

test("events of the workload and other events are counted apart", () => {
  const raw = quietRun();
  for (const window of raw.windows) if (window.events !== null) window.events += 100;
  const { per_second, by_others_per_second } = figures(raw).events;
  expect(per_second).toBeCloseTo(350, 9);
  expect(by_others_per_second).toBeCloseTo(50, 9);
});

test("an empty run has no figures and causes no error", () => {
  expect(figures(emptyRun())).toEqual({
    baseline: null,
    noise: {
      steal_machine_pct: null,
      cpu_pressure_pct: null,
      busy_machine_pct: null,
      others_machine_pct: null,
      null_us_ci95: null,
    },
    workload: null,
    samples: [],
    collector: null,
    in_kernel: null,
    total: null,
    timings: timingsOf(emptyRun(), [], 1),
    memory: null,
    events: {
      spawned: 0,
      captured: null,
      capture_pct: null,
      received: null,
      emitted: null,
      lost: null,
      suppressed: null,
      per_second: null,
      by_others_per_second: null,
    },
    slowdown: null,
    model: null,
    monitor: null,
  });
});

test("the same raw part gives the same figures, also after conversion to JSON and back", () => {
  const raw = quietRun();
  const again = JSON.parse(JSON.stringify(raw)) as RawRun;
  expect(figures(again)).toEqual(figures(raw));
});
