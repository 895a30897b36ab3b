import { formatBytes, formatCount, formatInterval, formatNumber, withPercent } from "../../report/format.ts";
import type { Fact } from "../../report/terminal/layout.ts";
import type { OverheadReport } from "../result.ts";
import { costFacts } from "./cost-facts.ts";
import { runFacts } from "./run-facts.ts";
import { slowdownFacts } from "./slowdown-facts.ts";
import { timingFacts } from "./timing-facts.ts";

/** Titles of the groups of results, in their order. */
export const GROUP = {
  run: "Run",
  cost: "Cost",
  timings: "Timings",
  slowdown: "Slowdown of watched processes",
  memory: "Memory",
  model: "Model",
} as const;

/** A group of results under a title. */
export interface FactGroup {
  title: (typeof GROUP)[keyof typeof GROUP];
  facts: Fact[];
}

/** All results except the tables, as labels and texts. Groups without a known value are left out. */
export function factGroups(report: OverheadReport): FactGroup[] {
  const groups: FactGroup[] = [
    { title: GROUP.run, facts: runFacts(report) },
    { title: GROUP.cost, facts: costFacts(report) },
    { title: GROUP.timings, facts: timingFacts(report) },
    { title: GROUP.slowdown, facts: slowdownFacts(report) },
    { title: GROUP.memory, facts: memoryFacts(report) },
    { title: GROUP.model, facts: modelFacts(report) },
  ];
  return groups.filter(({ facts }) => facts.length > 0);
}

/** Memory of the subject's processes, and kernel memory allocated for it. */
function memoryFacts({ memory }: OverheadReport): Fact[] {
  if (memory === null) return [];
  const { rss_avg_bytes, rss_peak_bytes, anon_peak_bytes, file_peak_bytes, pss_peak_bytes, kernel_bytes } = memory;
  const rows: Fact[] = [
    ["resident", `${formatBytes(rss_avg_bytes)} on average, ${formatBytes(rss_peak_bytes)} at most`],
    ["of it", `up to ${formatBytes(anon_peak_bytes)} anonymous, up to ${formatBytes(file_peak_bytes)} pages of files`],
  ];
  if (pss_peak_bytes !== null) {
    rows.push(["its share", `${formatBytes(pss_peak_bytes)} at most, each shared page divided by its users`]);
  }
  if (kernel_bytes !== null) {
    const { rings, maps, programs } = kernel_bytes;
    rows.push([
      "in the kernel",
      `rings ${formatBytes(rings)}, maps ${formatBytes(maps)}, programs ${formatBytes(programs)}`,
    ]);
  }
  return rows;
}

/** The fitted model: idle cost and cost of a process, up to which rate the claim holds, and the environments. */
function modelFacts({ model, threshold_pct }: OverheadReport): Fact[] {
  if (model === null) return [];
  const { idle_pct, idle_ci95, us_per_process, us_ci95, r2, windows, rates } = model;
  const whole = (value: number): string => formatNumber(value, { decimals: 0 });
  const [from, to] = model.processes_ci95;
  return [
    [
      "cost",
      `${withPercent(idle_pct)} (${formatInterval(idle_ci95)}) idling + ` +
        `${formatNumber(us_per_process)} µs (${formatInterval(us_ci95)}) a process`,
    ],
    [
      "fit",
      `R² ${formatNumber(r2)} over ${windows} windows at ${rates.map((rate) => formatNumber(rate)).join(", ")} processes a second`,
    ],
    [
      "the claim",
      `of less than ${withPercent(threshold_pct)} holds up to ${whole(model.processes_per_second_at_threshold)} ` +
        `processes a second here (${whole(from)} to ${whole(to)})`,
    ],
    ...model.environments.map(
      ({ name, events_per_day, predicted_pct, ci95 }): Fact => [
        name,
        `${formatCount(events_per_day)} events a day: ${withPercent(predicted_pct)} (${formatInterval(ci95)})`,
      ],
    ),
  ];
}
