import { type Column, facts, heading, table, wrap } from "../../report/terminal/layout.ts";
import { paint, type TextStyle } from "../../report/terminal/style.ts";
import type { OverheadReport, ReportHead } from "../result.ts";
import { aboutFacts, reportTitle } from "./about.ts";
import { COST_HEADS, costRows } from "./cost-rows.ts";
import { factGroups, GROUP } from "./fact-groups.ts";
import { SAMPLE_COLUMNS, SAMPLE_LEGEND, sampleCells } from "./samples.ts";
import { VERDICT_MARK, VERDICT_TONE, verdictSentence } from "./sentence.ts";

export interface TextReportOptions extends TextStyle {
  /** Heading and samples were shown while it ran, on the same terminal. */
  beginningShown: boolean;
}

/** What is told before the first figure. */
export function beginningLines(report: ReportHead, style: TextStyle): string[] {
  return [heading(reportTitle(report), style), ...facts(aboutFacts(report), style), ""];
}

/** The report for people; ends with the one line that sums it up. */
export function textReport(report: OverheadReport, options: TextReportOptions): string {
  const lines = options.beginningShown
    ? [""]
    : [...beginningLines(report, options), ...sampleLines(report, options), ""];
  const mark = report.incomplete === null ? "" : ` (incomplete: ${report.incomplete})`;
  lines.push(heading(`RESULTS${mark}`, options), "");
  const groups = factGroups(report);
  const labelWidth = Math.max(...groups.flatMap((group) => group.facts.map(([label]) => label.length)));
  for (const group of groups) {
    if (group.title === GROUP.cost) lines.push(...costTable(report, options), "");
    lines.push(paint(group.title, "strong", options), ...facts(group.facts, options, labelWidth), "");
  }
  const { verdict } = report;
  const sentence = wrap(`${VERDICT_MARK[verdict]} ${verdictSentence(report)}`, options.columns && options.columns - 2);
  lines.push(...sentence.map((line, index) => paint(index === 0 ? line : `  ${line}`, VERDICT_TONE[verdict], options)));
  return `${lines.join("\n")}\n`;
}

function sampleLines({ samples }: OverheadReport, style: TextStyle): string[] {
  if (samples.length === 0) return [];
  const [first] = samples;
  const beganS = first === undefined ? 0 : first.t_s - first.length_s;
  const rows = samples.map((sample) => sampleCells(sample, beganS));
  return [...table(SAMPLE_COLUMNS, rows, style), paint(`  ${SAMPLE_LEGEND}`, "faint", style)];
}

const COST_WIDTHS = [15, 8, 16, 6, 6];

function costTable(report: OverheadReport, style: TextStyle): string[] {
  const columns = COST_HEADS.map((head, index): Column => {
    return { head, width: COST_WIDTHS[index] ?? 0, align: index === 0 ? "left" : "right" };
  });
  return table(columns, costRows(report), style);
}
