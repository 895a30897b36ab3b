import { formatInterval, formatPct, formatSeconds } from "../../report/format.ts";
import type { Interval } from "../../stats/interval.ts";
import type { OverheadReport } from "../result.ts";

/** Column heads of the table of costs. */
export const COST_HEADS = ["% of one core", "average", "95 % interval", "p95", "peak"] as const;

/** Rows of the table of costs: the parts, their total, and the first seconds (cold start) if they were measured. */
export function costRows(report: OverheadReport): string[][] {
  return [...steadyRows(report), ...coldRow(report.collector)];
}

/** The rows of the steady state, without the cold start. */
export function steadyRows({ collector, in_kernel, total, subject }: OverheadReport): string[][] {
  return [
    row(subject.kind === "linnix" ? "collector alone" : "its processes", {
      average: collector?.avg_cpu_pct,
      ci95: collector?.ci95,
      p95: collector?.p95_cpu_pct,
      peak: collector?.peak_cpu_pct,
    }),
    row("in the kernel", { average: in_kernel?.avg_cpu_pct }),
    row("together", { average: total?.avg_cpu_pct, ci95: total?.ci95, peak: total?.peak_cpu_pct }),
  ];
}

/** The first seconds of the subject. The rows above show the steady state. */
function coldRow(collector: OverheadReport["collector"]): string[][] {
  const cold = collector?.cold ?? null;
  if (cold === null) return [];
  return [row(`first ${formatSeconds(cold.duration_s)}`, { average: cold.avg_cpu_pct })];
}

interface Cost {
  average?: number | undefined;
  ci95?: Interval | undefined;
  p95?: number | undefined;
  peak?: number | undefined;
}

function row(what: string, { average, ci95, p95, peak }: Cost): string[] {
  const blank = (value: number | undefined): string => (value === undefined ? "" : formatPct(value));
  return [what, formatPct(average ?? null), ci95 ? formatInterval(ci95) : "", blank(p95), blank(peak)];
}
