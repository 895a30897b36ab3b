import {
  formatBytes,
  formatCount,
  formatInterval,
  formatNumber,
  formatSigned,
  withPercent,
} from "../../report/format.ts";
import { BAR_CELLS, barLine } from "../../report/terminal/bar.ts";
import { type Fact, wrap } from "../../report/terminal/layout.ts";
import { paint, type TextStyle } from "../../report/terminal/style.ts";
import type { OverheadReport } from "../result.ts";
import { headline, LEDGER_NAMES, ledgerPartsOf } from "./ledger-parts.ts";
import { capturedPct } from "./run-facts.ts";
import { VERDICT_MARK, VERDICT_TONE } from "./sentence.ts";

/** The first lines of the results: the verdict, and the costs as one bar against the threshold. */
export function openingLines(report: OverheadReport, style: TextStyle): string[] {
  const { verdict } = report;
  const ledger = ledgerPartsOf(report);
  const names = ["user", "kernel", "slowdown"] as const;
  const parts = names.map((name) => ({ name, value: ledger[name] ?? 0 }));
  const key = [
    ...names.map((name, index) => `${BAR_CELLS[index]} ${LEDGER_NAMES[name]} ${withPercent(ledger[name])}`),
    `| ${withPercent(ledger.threshold)}`,
  ].join("  ");
  const columns = style.columns === null ? null : Math.max(style.columns - 4, 40);
  const isEmpty = parts.every(({ value }) => value === 0);
  return [
    ...wrap(`${VERDICT_MARK[verdict]} ${headline(report)}`, columns).map((line) =>
      paint(line, VERDICT_TONE[verdict], style),
    ),
    ...(isEmpty ? [] : [barLine(parts, ledger.threshold, style), ...wrap(key, columns).map((line) => `  ${line}`)]),
  ];
}

/** The most important figure of each group, each on a line of at most 80 columns. */
export function summaryFacts(report: OverheadReport): Fact[] {
  const { events, raw, slowdown, memory, model } = report;
  const rows: Fact[] = [];
  if (events.lost !== null) {
    const text = `${formatCount(events.lost)} of ${formatCount(events.emitted)} events`;
    rows.push(["lost", text, events.lost === 0 ? "good" : "bad"]);
  }
  if (raw.capture !== null) {
    const { captured, spawned } = raw.capture;
    const text = `${capturedPct(raw.capture)} %: ${formatCount(captured)} of ${formatCount(spawned)} processes`;
    rows.push(["capture", text, captured === spawned ? "good" : "bad"]);
  }
  if (slowdown !== null) {
    const { us_per_process, us_ci95, pct } = slowdown;
    const interval = us_ci95.every(Number.isFinite) ? ` (${formatInterval(us_ci95)})` : "";
    rows.push(["slowdown", `${formatSigned(us_per_process)} µs${interval} a process, ${withPercent(pct)}`]);
  }
  if (memory !== null) rows.push(["memory", `${formatBytes(memory.rss_peak_bytes)} resident at most`]);
  if (model !== null) {
    const most = formatNumber(model.processes_per_second_at_threshold, { decimals: 0 });
    rows.push(["the claim", `holds up to ${most} processes a second here`]);
  }
  return rows;
}
