import { type CostPoint, fitCostModel, predictEnvironments, processesPerSecondAt } from "../measure/cost-model.ts";
import { mean, sum } from "../stats/moments.ts";
import type { RawRun, RawWindow } from "./raw.ts";
import type { ModelFigures } from "./result.ts";
import { processesIn, totalNs } from "./windows.ts";

/** The model that is fitted to the windows, and its predictions; null if the windows do not determine it. */
export function modelOf(raw: RawRun, thresholdPct: number): ModelFigures | null {
  const points = modelPoints(raw);
  const model = fitCostModel(points);
  if (model === null) return null;
  const limit = processesPerSecondAt(model, thresholdPct);
  return {
    idle_pct: model.idlePct,
    idle_ci95: model.idlePctCi95,
    us_per_process: model.usPerProcess,
    us_ci95: model.usPerProcessCi95,
    r2: model.r2,
    windows: model.points,
    rates: [
      ...new Set(
        raw.windows.flatMap(({ phase, rate }) =>
          (phase === "workload" || phase === "sweep") && rate !== null ? [rate] : [],
        ),
      ),
    ].sort((a, b) => a - b),
    processes_per_second_at_threshold: limit.processesPerSecond,
    processes_ci95: limit.ci95,
    environments: predictEnvironments(model).map(({ name, eventsPerDay, predictedPct, ci95 }) => ({
      name,
      events_per_day: eventsPerDay,
      predicted_pct: predictedPct,
      ci95,
    })),
  };
}

/** The windows of workload and sweep as points. Windows of the workload are merged to the length of the sweep's. */
export function modelPoints(raw: Pick<RawRun, "windows">): CostPoint[] {
  const sweep = raw.windows.filter(({ phase }) => phase === "sweep");
  const workload = raw.windows.filter(({ phase }) => phase === "workload");
  const lengthNs = sweep.length === 0 ? 0 : mean(sweep.map(({ elapsed_ns }) => elapsed_ns));
  return [...merged(workload, lengthNs), ...sweep.map((window) => [window])].flatMap((group): CostPoint[] => {
    const ns = group.map(totalNs);
    if (ns.includes(null)) return [];
    const elapsedS = sum(group.map(({ elapsed_ns }) => elapsed_ns)) / 1e9;
    return [
      {
        processesPerSecond: sum(group.map(processesIn)) / elapsedS,
        cpuPct: sum(ns.map((each) => each ?? 0)) / elapsedS / 1e7,
        durationS: elapsedS,
      },
    ];
  });
}

/** Groups neighbouring windows until a group has (nearly) that length. A shorter rest joins the last group. */
function merged(windows: readonly RawWindow[], lengthNs: number): RawWindow[][] {
  const groups: RawWindow[][] = [];
  let group: RawWindow[] = [];
  for (const window of windows) {
    group.push(window);
    if (sum(group.map(({ elapsed_ns }) => elapsed_ns)) >= 0.9 * lengthNs) {
      groups.push(group);
      group = [];
    }
  }
  if (group.length > 0) {
    const last = groups.at(-1);
    if (last === undefined) groups.push(group);
    else last.push(...group);
  }
  return groups;
}
