import { printable } from "../../json/printable.ts";
import { formatCount, formatInterval, formatNumber, formatSigned, withPercent } from "../../report/format.ts";
import type { Fact } from "../../report/terminal/layout.ts";
import type { OperationSlowdown, OverheadReport } from "../result.ts";

/** Names of the timed operations. */
const OPERATION_NAME: Record<string, string> = { spawn: "spawn with exec", "bare-fork": "bare fork" };

/** The name of the timed operation. */
export function operationName({ operation }: Pick<OperationSlowdown, "operation">): string {
  return OPERATION_NAME[operation] ?? operation;
}

/** How much longer processes take because they are watched. */
export function slowdownFacts({ slowdown, left_out, noise }: OverheadReport): Fact[] {
  if (slowdown === null) {
    const why = left_out.find(({ part }) => part === "slowdown")?.why ?? "it was not measured";
    return [["left out", printable(why)]];
  }
  const { us_per_process, us_ci95, pct, ci95, metric, lost } = slowdown;
  const rows: Fact[] = [
    [
      "a process",
      `${formatSigned(us_per_process)} µs (${formatInterval(us_ci95)}): ${withPercent(pct)} ` +
        `(${formatInterval(ci95)}) of the CPU time of one of the workload's`,
    ],
    ...slowdown.operations.filter((each) => each.metric === metric).flatMap(operationFacts),
    ["figure", `${metric} of short blocks, on and off in turn; 95 % intervals over the rounds`],
  ];
  if (noise.null_us_ci95 !== null) {
    rows.push([
      "noise floor",
      `before the test, two unwatched arms differed by ${formatInterval(noise.null_us_ci95)} µs a bare fork`,
    ]);
  }
  if (lost !== null && lost > 0) {
    const text = `${formatCount(lost)} events of these rounds had no room: the slowdown may be a little larger`;
    rows.push(["lost", text, "doubtful"]);
  }
  return rows;
}

function operationFacts(each: OperationSlowdown): Fact[] {
  return [
    [
      operationName(each),
      `${formatSigned(each.us)} µs (${formatInterval(each.us_ci95)}) of ${formatNumber(each.operation_us)} µs: ` +
        `${withPercent(each.pct)}; ${each.rounds} rounds`,
    ],
    [
      "",
      `two unwatched arms differed by ${formatInterval(each.null_us_ci95)} µs; ` +
        `an effect of ${formatNumber(each.smallest_detectable_us)} µs would have been found`,
    ],
  ];
}
