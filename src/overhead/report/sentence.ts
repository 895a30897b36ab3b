import { printable } from "../../json/printable.ts";
import { formatCount, formatInterval, formatNumber, withPercent } from "../../report/format.ts";
import type { Tone } from "../../report/terminal/style.ts";
import type { OverheadReport } from "../result.ts";

/** The mark of a verdict. */
export const VERDICT_MARK = { PASS: "✓", FAIL: "✗", INCONCLUSIVE: "~" } as const;
export const VERDICT_TONE = { PASS: "good", FAIL: "bad", INCONCLUSIVE: "doubtful" } as const satisfies Record<
  OverheadReport["verdict"],
  Tone
>;

/** The verdict and its proofs or reasons in one sentence, without the mark. */
export function verdictSentence(report: OverheadReport): string {
  const { verdict, reasons, total, threshold_pct } = report;
  if (verdict !== "PASS" || total === null) {
    const reason = printable(reasons.join("; "));
    return verdict === "FAIL"
      ? `FAIL: a part of the claim of less than ${withPercent(threshold_pct)} is disproven: ${reason}`
      : `INCONCLUSIVE: nothing is proven or disproven: ${reason}`;
  }
  const subject = report.subject.kind === "linnix" ? "watching every process" : printable(report.subject.name);
  const cost =
    `${subject} costs ${withPercent(total.avg_cpu_pct)} of one core, in-kernel time included ` +
    `(95 % sure: ${formatInterval(total.ci95)} %), less than ${withPercent(threshold_pct)}`;
  return `PASS: ${[cost, ...proofs(report)].join("; ")}`;
}

function proofs({ events, raw, slowdown, left_out }: OverheadReport): string[] {
  const all: string[] = [];
  if (raw.capture !== null) all.push(`all ${formatCount(raw.capture.spawned)} processes of the workload captured`);
  if (events.lost === 0) all.push(`none of ${formatCount(events.emitted)} events lost`);
  if (slowdown?.ci95) {
    const most = `at most ${formatNumber(slowdown.us_ci95[1])} µs (${withPercent(slowdown.ci95[1])})`;
    all.push(`a process is slowed by ${most}`);
  }
  for (const { part } of left_out) all.push(`${part} left out`);
  return all;
}
