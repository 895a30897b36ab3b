import type { Check, Section, Status } from "./check.ts";

export interface RenderOptions {
  color: boolean;
  /** Columns to wrap at; null leaves each line whole, for a file or a pipe. */
  columns: number | null;
}

const MARKS: Record<Status, string> = { ok: "✓", warn: "!", fail: "✗", info: "·" };
const COLORS: Record<Status, string> = { ok: "\x1b[32m", warn: "\x1b[33m", fail: "\x1b[31m", info: "\x1b[2m" };
const BOLD = "\x1b[1m";
const RESET = "\x1b[0m";

/** Narrower than this, text beside the titles is a ribbon of single words. */
const MIN_COLUMNS = 50;

/** The report for people: heading, a table for each section, the verdict as the last line. */
export function renderReport(
  heading: string,
  sections: readonly Section[],
  verdict: { status: Status; sentence: string },
  options: RenderOptions,
): string {
  const titleWidth = Math.max(...sections.flatMap(({ checks }) => checks.map(({ title }) => title.length)));
  const lines = [...wrap(heading, options)];
  for (const { title, checks } of sections) {
    lines.push("", paint(title, BOLD, options));
    for (const check of checks) lines.push(...renderCheck(check, titleWidth, options));
  }
  const mark = paint(MARKS[verdict.status], COLORS[verdict.status], options);
  lines.push("", ...indented(`${mark} `, 2, verdict.sentence, options));
  return `${lines.join("\n")}\n`;
}

function renderCheck(check: Check, titleWidth: number, options: RenderOptions): string[] {
  const textColumn = titleWidth + 6;
  const mark = paint(MARKS[check.status], COLORS[check.status], options);
  const lines = indented(`  ${mark} ${check.title.padEnd(titleWidth)}  `, textColumn, check.found, options);
  const pad = " ".repeat(textColumn);
  if (check.costs) lines.push(...indented(`${pad}costs: `, textColumn + 7, check.costs, options));
  if (check.mend) lines.push(...indented(`${pad}mend:  `, textColumn + 7, check.mend, options));
  return lines;
}

/** `text` wrapped behind `prefix`, which takes `width` columns; its further lines begin below its first. */
function indented(prefix: string, width: number, text: string, options: RenderOptions): string[] {
  const columns = options.columns === null ? null : Math.max(options.columns, MIN_COLUMNS) - width;
  return wrap(text, { ...options, columns }).map((line, index) => (index === 0 ? prefix : " ".repeat(width)) + line);
}

function wrap(text: string, { columns }: RenderOptions): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of printable(text).split(" ")) {
    if (line !== "" && columns !== null && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Names of processes and files can hold anything; a terminal must not obey it. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "�");
}

function paint(text: string, code: string, { color }: RenderOptions): string {
  return color ? `${code}${text}${RESET}` : text;
}
