import type { WorkloadResult } from "../../workload/workload-result.ts";
import { averageCpuPct, mostCpuPct } from "./cpu-log.ts";
import type { StormRaw } from "./measure.ts";
import { OrderCheck } from "./order-check.ts";
import { addCounts, addResults, noCounts, type StormOutput, total } from "./output.ts";
import type { NeighbourFigures, StormCost, StormFigures, StormKernelCost, StormSums } from "./result.ts";

/** The cost is compared with the limit from this time after the begin of the storm on. */
const SETTLING_NS = 3e9;
const WINDOW_NS = 5e9;
/** The highest allowed cost, divided by the budget. */
const TOLERANCE = 1.2;
const BUCKET_NS = 50e6;

/** The figures of a run in which nothing was measured. */
export const NOTHING: StormFigures = {
  cost: null,
  kernel: null,
  events: null,
  storm: null,
  steps: [],
  sources: [],
  neighbour: null,
  problem: null,
};

export interface FigureParts {
  output: StormOutput;
  /** All lines of the output, which are read a second time for the order of the neighbour's events. */
  lines: Iterable<string>;
  /** Id of the storm's cgroup. */
  cgroupId: number;
  /** The CPU budget, % of one core; 0: none. */
  budgetPct: number;
  problem: string | null;
}

/** Computes every figure of the report. */
export function figuresOf(raw: StormRaw, { output, lines, cgroupId, budgetPct, problem }: FigureParts): StormFigures {
  // Without a storm, times count from the end of the warm-up.
  const fromNs = (raw.storm?.from ?? raw.warmUp.to).boottimeNs;
  const sources = output.sources(fromNs, cgroupId);
  const storm = raw.storm && stormSums(raw.storm, output, sources);
  return {
    cost: costOf(raw, budgetPct),
    kernel: raw.storm && storm && kernelCost(raw.storm, storm),
    events: output.events,
    storm,
    steps: output.steps(fromNs),
    sources,
    neighbour: neighbourOf(raw.neighbour, output, lines),
    problem,
  };
}

function costOf({ looks, warmUp, storm, after }: StormRaw, budgetPct: number): StormCost {
  const half = (warmUp.from.atNs + warmUp.to.atNs) / 2;
  return {
    before_pct: averageCpuPct(looks, half, warmUp.to.atNs),
    storm_pct: storm && averageCpuPct(looks, storm.from.atNs, storm.to.atNs),
    most_pct:
      storm && mostCpuPct(looks, { fromNs: storm.from.atNs + SETTLING_NS, toNs: storm.to.atNs, windowNs: WINDOW_NS }),
    after_pct: after && averageCpuPct(looks, after.from.atNs, after.to.atNs),
    limit_pct: budgetPct === 0 ? null : TOLERANCE * budgetPct,
  };
}

type Storm = NonNullable<StormRaw["storm"]>;

function stormSums({ from, to }: Storm, { check }: StormOutput, sources: StormFigures["sources"]): StormSums {
  const sums = { suppressed: noCounts(), exited: {} };
  for (const { is_ours, suppressed, exited } of sources) {
    if (!is_ours) continue;
    sums.suppressed = addCounts(sums.suppressed, suppressed);
    addResults(sums.exited, exited);
  }
  return {
    seconds: (to.boottimeNs - from.boottimeNs) / 1e9,
    sent: check.eventsBetween(from.boottimeNs, to.boottimeNs),
    ...sums,
  };
}

function kernelCost({ from, to, runNs }: Storm, { sent, suppressed }: StormSums): StormKernelCost | null {
  if (runNs === null) return null;
  const events = sent + total(suppressed);
  return { pct: (100 * runNs) / (to.atNs - from.atNs), ns_per_event: events === 0 ? null : runNs / events };
}

function neighbourOf({ truth, rateAchieved }: WorkloadResult, output: StormOutput, lines: Iterable<string>) {
  const order = new OrderCheck(truth);
  for (const line of lines) {
    try {
      order.add(JSON.parse(line));
    } catch {
      // The line is not JSON. The check of the capture counts such lines.
    }
  }
  const figures: NeighbourFigures = {
    ...output.check.check(truth),
    rate_achieved: rateAchieved,
    out_of_order: order.outOfOrder,
    most_in_50_ms: mostWithin(
      Array.from({ length: truth.length }, (_, index) => truth.columns.get("spawnedFromNs", index)),
      BUCKET_NS,
    ),
  };
  return figures;
}

/** The highest number of times in any window of that length; `times` must be in ascending order. */
export function mostWithin(times: readonly number[], window: number): number {
  let first = 0;
  let most = 0;
  for (const [index, time] of times.entries()) {
    while (time - (times[first] ?? time) >= window) first++;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
