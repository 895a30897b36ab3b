import { formatCount, formatInterval, formatNumber, withPercent } from "../../report/format.ts";
import type { Fact } from "../../report/terminal/layout.ts";
import type { OverheadReport } from "../result.ts";

/** What the fitted model says: the cost of idling and of a process, how far the claim reaches, and environments. */
export function modelFacts({ model, threshold_pct }: OverheadReport): Fact[] {
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
