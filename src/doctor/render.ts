import { printable } from "../json/printable.ts";
import { wrap } from "../report/terminal/layout.ts";
import { paint, type TextStyle, type Tone } from "../report/terminal/style.ts";
import type { Check, Section, Status } from "./check.ts";

const MARKS: Record<Status, string> = { ok: "✓", warn: "!", fail: "✗", info: "·" };
const TONES: Record<Status, Tone> = { ok: "good", warn: "doubtful", fail: "bad", info: "faint" };

/** The least width of a title and its text together. On a narrower terminal the lines stay this wide. */
const MIN_COLUMNS = 50;

/** The report for people: heading, a table for each section, the verdict as the last line. */
export function renderReport(
  heading: string,
  sections: readonly Section[],
  verdict: { status: Status; sentence: string },
  style: TextStyle,
): string {
  const titleWidth = Math.max(...sections.flatMap(({ checks }) => checks.map(({ title }) => title.length)));
  const lines = [...wrap(printable(heading), style.columns)];
  for (const { title, checks } of sections) {
    lines.push("", paint(title, "strong", style));
    for (const check of checks) lines.push(...renderCheck(check, titleWidth, style));
  }
  const mark = paint(MARKS[verdict.status], TONES[verdict.status], style);
  lines.push("", ...indented(`${mark} `, 2, verdict.sentence, style));
  return `${lines.join("\n")}\n`;
}

function renderCheck(check: Check, titleWidth: number, style: TextStyle): string[] {
  const textColumn = titleWidth + 6;
  const mark = paint(MARKS[check.status], TONES[check.status], style);
  const lines = indented(`  ${mark} ${check.title.padEnd(titleWidth)}  `, textColumn, check.found, style);
  const pad = " ".repeat(textColumn);
  if (check.costs) lines.push(...indented(`${pad}costs: `, textColumn + 7, check.costs, style));
  if (check.hint) lines.push(...indented(`${pad}hint:  `, textColumn + 7, check.hint, style));
  return lines;
}

/** `text` wrapped behind `prefix`, which takes `width` columns. Further lines begin at the same column as the first. */
function indented(prefix: string, width: number, text: string, style: TextStyle): string[] {
  const columns = style.columns === null ? null : Math.max(style.columns, MIN_COLUMNS) - width;
  return wrap(printable(text), columns).map((line, index) => (index === 0 ? prefix : " ".repeat(width)) + line);
}
