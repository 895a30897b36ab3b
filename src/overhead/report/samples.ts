import { formatBytes, formatClock, formatPct } from "../../report/format.ts";
import type { Column } from "../../report/terminal/layout.ts";
import type { SampleFigures } from "../result.ts";

/** Columns of the table of samples. Their widths are fixed, because rows are printed one by one. */
export const SAMPLE_COLUMNS: readonly Column[] = [
  { head: "time", width: 6 },
  { head: "collector %", width: 11 },
  { head: "in kernel %", width: 11 },
  { head: "together %", width: 10 },
  { head: "system %", width: 8 },
  { head: "memory", width: 9 },
];

/** Explains the columns, below the table. */
export const SAMPLE_LEGEND = "% of one core; system: the whole machine; memory: resident, of the collector";

/** @param beganS begin of the first sample, s since the beginning of the run */
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
