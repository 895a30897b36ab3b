import { facts, heading, table, wrap } from "../../report/terminal/layout.ts";
import { paint, type TextStyle } from "../../report/terminal/style.ts";
import { coverageLines } from "./coverage-chart.ts";
import type { CompareReport } from "./report.ts";
import {
  aboutFacts,
  absentFacts,
  captureTable,
  costTable,
  frontierTable,
  growthTable,
  type ReportTable,
  remarks,
  titleOf,
} from "./tables.ts";

/** The report as text. It begins with the chart and ends with the summary sentence. */
export function textReport(report: CompareReport, style: TextStyle): string {
  const lines = [heading(titleOf(report), style), ""];
  const chart = coverageLines(report, style);
  if (chart.length > 0) lines.push(...chart, "");
  lines.push(heading("What was measured", style), ...facts(aboutFacts(report), style), "");
  const tables = [costTable(report), captureTable(report), growthTable(report), frontierTable(report)];
  for (const each of tables) if (each !== null && each.rows.length > 0) lines.push(...tableLines(each, style), "");
  const absent = absentFacts(report);
  if (absent.length > 0) lines.push(heading("Not compared", style), ...facts(absent, style), "");
  const notes = remarks(report);
  if (notes.length > 0) lines.push(...notes.flatMap((note) => indented(`! ${note}`, style)), "");
  lines.push(...wrap(report.take_home, style.columns).map((line) => paint(line, "strong", style)));
  return `${lines.join("\n")}\n`;
}

function tableLines({ title, columns, rows, legend }: ReportTable, style: TextStyle): string[] {
  return [heading(title, style), ...table(columns, rows, style), ...indented(legend, style, "faint")];
}

function indented(text: string, style: TextStyle, tone?: "faint"): string[] {
  const lines = wrap(text, style.columns === null ? null : Math.max(style.columns - 4, 40));
  return lines.map((line) => `  ${tone === undefined ? line : paint(line, tone, style)}`);
}
