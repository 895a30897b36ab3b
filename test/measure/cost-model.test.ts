import { describe, expect, test } from "bun:test";
import {
  type CostModel,
  type CostPoint,
  fitCostModel,
  predictCpuPct,
  predictEnvironments,
  processesPerSecondAt,
} from "../../src/measure/cost-model.ts";
import { Prng } from "../../src/stats/prng.ts";

const IDLE_PCT = 0.05;
const US_PER_PROCESS = 15;

function point(processesPerSecond: number, noisePct = 0): CostPoint {
  return {
    processesPerSecond,
    cpuPct: IDLE_PCT + (US_PER_PROCESS * processesPerSecond) / 10_000 + noisePct,
    durationS: 2,
  };
}

function noisyModel(seed: number): CostModel {
  const random = new Prng(seed);
  return fitCostModel(
    [0, 25, 50, 100, 200].flatMap((rate) => Array.from({ length: 6 }, () => point(rate, 0.01 * random.normal()))),
  ) as CostModel;
}

describe("cost model", () => {
  test("finds the idle cost in percent and the µs per process from exact points", () => {
    const model = fitCostModel([0, 100, 200].map((rate) => point(rate))) as CostModel;
    expect(model.idlePct).toBeCloseTo(IDLE_PCT, 9);
    expect(model.usPerProcess).toBeCloseTo(US_PER_PROCESS, 9);
    expect(model.r2).toBeCloseTo(1, 9);
    // 0.05 % + 15 µs · 100/s = 0.15 % + 0.05 %.
    expect(predictCpuPct(model, 100).cpuPct).toBeCloseTo(0.2, 9);
    // (1 % − 0.05 %) / 15 µs.
    expect(processesPerSecondAt(model, 1).processesPerSecond).toBeCloseTo(633.333, 2);
  });

  test("finds idle cost and µs per process from noisy windows, with intervals that contain the true values", () => {
    const model = noisyModel(1);
    expect(Math.abs(model.usPerProcess - US_PER_PROCESS)).toBeLessThan(1);
    expect(model.usPerProcessCi95[0]).toBeLessThan(US_PER_PROCESS);
    expect(model.usPerProcessCi95[1]).toBeGreaterThan(US_PER_PROCESS);
    expect(model.r2).toBeWithin(0.97, 1);
    const { processesPerSecond, ci95 } = processesPerSecondAt(model, 1);
    expect(ci95[0]).toBeLessThan(processesPerSecond);
    expect(ci95[1]).toBeGreaterThan(processesPerSecond);
  });

  test("weights a window by its duration", () => {
    const model = fitCostModel([
      point(0),
      { ...point(100), cpuPct: 1, durationS: 1 },
      { ...point(100), cpuPct: 2, durationS: 3 },
    ]) as CostModel;
    expect(predictCpuPct(model, 100).cpuPct).toBeCloseTo(1.75, 9);
  });

  test("predicts the cost of environments from their events per day", () => {
    const predictions = predictEnvironments(noisyModel(2));
    expect(predictions.map(({ name }) => name)).toEqual(["small-server", "busy-api", "ci-runner"]);
    // 2 M events a day are 7.7 processes a second with 3 events each: 0.05 % + 0.0116 %.
    expect(predictions[2]?.processesPerSecond).toBeCloseTo(7.716, 3);
    expect(Math.abs((predictions[2]?.predictedPct ?? 0) - 0.0616)).toBeLessThan(0.01);
    for (const { predictedPct, ci95 } of predictions) expect(predictedPct).toBeWithin(ci95[0], ci95[1]);
  });

  test("never predicts a negative cost", () => {
    const model = fitCostModel([
      { processesPerSecond: 100, cpuPct: 0.1, durationS: 1 },
      { processesPerSecond: 200, cpuPct: 0.3, durationS: 1 },
      { processesPerSecond: 300, cpuPct: 0.5, durationS: 1 },
    ]) as CostModel;
    expect(model.idlePct).toBeLessThan(0);
    expect(predictCpuPct(model, 0).cpuPct).toBe(0);
  });

  test("is null if all points have one rate", () => {
    expect(fitCostModel([point(100), point(100)])).toBeNull();
  });
});
