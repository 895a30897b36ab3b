/**
 * Does the cost model of overhead-test predict the cost at a rate to which it was not fitted?
 *
 * Runs the test once, then again at each held-out rate, and compares the prediction of the first run's model for that
 * rate with the measurement of the second run:
 * `sudo bun bench/overhead-model.ts [--duration SECONDS] [--rates 75,150,300] [--json]`, about six minutes by default.
 * Both include processes that other programs start in the meantime, because the collector cannot separate them either.
 */
import { parseArgs } from "node:util";
import { defaultSettings } from "../src/config/print.ts";
import { fitCostModel, predictCpuPct } from "../src/measure/cost-model.ts";
import { modelPoints } from "../src/overhead/model-figures.ts";
import type { OverheadReport } from "../src/overhead/result.ts";
import { runOverheadTest } from "../src/overhead/run.ts";
import { formatInterval, formatNumber } from "../src/report/format.ts";

const { values } = parseArgs({
  options: {
    duration: { type: "string", default: "30" },
    rates: { type: "string", default: "75,150,300" },
    json: { type: "boolean", default: false },
  },
});
const durationMs = Number(values.duration) * 1000;
const signal = new AbortController().signal;

function run(rate: number): Promise<OverheadReport> {
  console.error(`measuring at ${rate} processes a second`);
  const listener = { planned() {}, phase() {}, sample() {}, note: console.error };
  return runOverheadTest(
    {
      subject: { kind: "linnix", settings: defaultSettings() },
      baselineMs: 1000,
      durationMs,
      intervalMs: 2000,
      thresholdPct: 1,
      rate,
      profile: "seed",
      seed: 1,
      quick: false,
    },
    listener,
    signal,
  );
}

const fitted = await run(100);
const model = fitCostModel(modelPoints(fitted.raw));
if (model === null || fitted.model === null) throw new Error("there is no model: a part could not be measured");
const results = [];
for (const rate of values.rates.split(",").map(Number)) {
  const { raw, total, workload, noise } = await run(rate);
  const windows = raw.windows.filter(({ phase }) => phase === "workload");
  const seconds = windows.reduce((sum, { elapsed_ns }) => sum + elapsed_ns, 0) / 1e9;
  const perSecond = windows.reduce((sum, { events }) => sum + (events ?? Number.NaN), 0) / 3 / seconds;
  const predicted = predictCpuPct(model, perSecond);
  const measured = total?.avg_cpu_pct ?? Number.NaN;
  results.push({
    rate,
    achieved: workload?.rate_achieved,
    perSecond,
    predictedPct: predicted.cpuPct,
    predictedCi95: predicted.ci95,
    measuredPct: measured,
    measuredCi95: total?.ci95 ?? null,
    ratio: predicted.cpuPct / measured,
    othersMachinePct: noise.others_machine_pct,
  });
}

if (values.json) {
  console.log(JSON.stringify({ model: fitted.model, results }));
} else {
  const { idle_pct, us_per_process, r2 } = fitted.model;
  console.log(
    `model: ${formatNumber(idle_pct)} % + ${formatNumber(us_per_process)} µs a process, R² ${formatNumber(r2)}\n`,
  );
  console.log("asked/s  seen/s  predicted %  95 % interval     measured %  95 % interval     ratio  others %");
  for (const each of results) {
    const cells = [
      formatNumber(each.rate).padStart(7),
      formatNumber(each.perSecond).padStart(6),
      formatNumber(each.predictedPct).padStart(11),
      formatInterval(each.predictedCi95).padEnd(16),
      formatNumber(each.measuredPct).padStart(10),
      formatInterval(each.measuredCi95).padEnd(16),
      formatNumber(each.ratio).padStart(5),
      formatNumber(each.othersMachinePct).padStart(8),
    ];
    console.log(cells.join("  "));
  }
}
