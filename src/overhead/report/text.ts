import { type Column, type Fact, facts, heading, table, wrap } from "../../report/terminal/layout.ts";
import { paint, type TextStyle } from "../../report/terminal/style.ts";
import type { OverheadReport, ReportHead } from "../result.ts";
import { aboutFacts, reportTitle } from "./about.ts";
import { COST_HEADS, costRows, steadyRows } from "./cost-rows.ts";
import { factGroups, GROUP } from "./fact-groups.ts";
import { SAMPLE_COLUMNS, SAMPLE_LEGEND, sampleCells } from "./samples.ts";
import { VERDICT_MARK, VERDICT_TONE, verdictSentence } from "./sentence.ts";
import { openingLines, summaryFacts } from "./summary.ts";

export interface TextReportOptions extends TextStyle {
  /** Whether heading and samples were printed during the run, on the same terminal. */
  beginningShown: boolean;
  /** Print every figure of the ledger, without a limit on lines. */
  verbose?: boolean;
}

/** The heading and the facts about subject, machine and workload. */
export function beginningLines(report: ReportHead, style: TextStyle): string[] {
  return [heading(reportTitle(report), style), ...facts(aboutFacts(report), style), ""];
}

/** Lines of a screen of 24 lines, without the one for the prompt. */
const SCREEN_LINES = 23;
/** The last sentence is not shortened to fewer lines than this. */
const LEAST_SENTENCE_LINES = 2;

/**
 * The report as text. The results begin with the verdict and the ledger as a bar, and end with the sentence of the
 * verdict. Without `verbose` they fit on a screen of 80 × 24.
 */
export function textReport(report: OverheadReport, options: TextReportOptions): string {
  const lines = options.beginningShown
    ? [""]
    : [...beginningLines(report, options), ...sampleLines(report, options), ""];
  const mark = report.incomplete === null ? "" : ` (incomplete: ${report.incomplete})`;
  const results = [
    heading(`RESULTS${mark}`, options),
    ...openingLines(report, options),
    "",
    ...(options.verbose ? wholeLedger(report, options) : shortLedger(report, options)),
  ];
  const room = options.verbose ? null : SCREEN_LINES - results.length - 1;
  lines.push(...results, ...sentenceLines(report, options, room));
  return `${lines.join("\n")}\n`;
}

function wholeLedger(report: OverheadReport, options: TextReportOptions): string[] {
  const groups = factGroups(report);
  const labelWidth = Math.max(...groups.flatMap((group) => group.facts.map(([label]) => label.length)));
  return groups.flatMap((group) => [
    ...(group.title === GROUP.cost ? [...costTable(costRows(report), options), ""] : []),
    paint(group.title, "strong", options),
    ...facts(group.facts, options, labelWidth),
    "",
  ]);
}

function shortLedger(report: OverheadReport, options: TextReportOptions): string[] {
  const more: Fact = ["more", "--verbose shows the whole ledger", "faint"];
  return [...costTable(steadyRows(report), options), "", ...facts([...summaryFacts(report), more], options), ""];
}

/** @param room most lines; null: no limit */
function sentenceLines(report: OverheadReport, options: TextReportOptions, room: number | null): string[] {
  const { verdict } = report;
  const whole = wrap(`${VERDICT_MARK[verdict]} ${verdictSentence(report)}`, options.columns && options.columns - 2);
  const most = room === null ? whole.length : Math.max(room, LEAST_SENTENCE_LINES);
  const shown = whole.length <= most ? whole : [...whole.slice(0, most - 1), "… (the rest with --verbose)"];
  return shown.map((line, index) => paint(index === 0 ? line : `  ${line}`, VERDICT_TONE[verdict], options));
}

function sampleLines({ samples }: OverheadReport, style: TextStyle): string[] {
  if (samples.length === 0) return [];
  const [first] = samples;
  const beganS = first === undefined ? 0 : first.t_s - first.length_s;
  const rows = samples.map((sample) => sampleCells(sample, beganS));
  return [...table(SAMPLE_COLUMNS, rows, style), paint(`  ${SAMPLE_LEGEND}`, "faint", style)];
}

const COST_WIDTHS = [15, 8, 16, 6, 6];

function costTable(rows: string[][], style: TextStyle): string[] {
  const columns = COST_HEADS.map((head, index): Column => {
    return { head, width: COST_WIDTHS[index] ?? 0, align: index === 0 ? "left" : "right" };
  });
  return table(columns, rows, style);
}
