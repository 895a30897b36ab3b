import type { OverheadReport } from "../result.ts";

/**
 * The report as JSON: the figures are indented, and `raw` is on one line. An end of an interval that the data do not
 * bound is null.
 */
export function jsonReport({ raw, ...report }: OverheadReport): string {
  const head = JSON.stringify(report, null, 2).slice(0, -"\n}".length);
  return `${head},\n  "raw": ${JSON.stringify(raw)}\n}\n`;
}
