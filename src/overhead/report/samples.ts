import { formatBytes, formatClock, formatPct } from "../../report/format.ts";
import type { Column } from "../../report/terminal/layout.ts";
import type { SampleFigures } from "../result.ts";

/** Columns of the table of samples, wide enough for rows that come one by one. Percentages are of one core. */
export const SAMPLE_COLUMNS: readonly Column[] = [
  { head: "time", width: 6 },
  { head: "collector %", width: 11 },
  { head: "in kernel %", width: 11 },
  { head: "together %", width: 10 },
  { head: "system %", width: 8 },
  { head: "memory", width: 9 },
];

/** What the columns say, for beneath the table. */
export const SAMPLE_LEGEND = "% of one core; system: the whole machine; memory: resident, of the collector";

/** @param beganS when the first sample began, on the samples' clock */
export function sampleCells(sample: SampleFigures, beganS: number): string[] {
  return [
    formatClock(sample.t_s - beganS),
    formatPct(sample.user_cpu_pct),
    formatPct(sample.kernel_cpu_pct),
    formatPct(sample.total_cpu_pct),
    formatPct(sample.system_cpu_pct),
    formatBytes(sample.rss_bytes),
  ];
}
