import type { StormReport } from "../result.ts";

/** The report as JSON. */
export function stormJsonReport(report: StormReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
