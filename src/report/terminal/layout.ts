import { paint, type TextStyle, type Tone } from "./style.ts";

/**
 * The least width of a label and its text together. On a narrower terminal the lines stay this wide, because the text
 * would become too narrow.
 */
const MIN_COLUMNS = 50;

/** Breaks a text into lines between words; words are never cut. */
export function wrap(text: string, columns: number | null): string[] {
  if (columns === null) return [text];
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && Bun.stringWidth(line) + 1 + Bun.stringWidth(word) > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** A label and its text. */
export type Fact = readonly [label: string, text: string, tone?: Tone];

/** Labels in a column, with their wrapped texts next to them. */
export function facts(
  rows: readonly Fact[],
  style: TextStyle,
  labelWidth = widest(rows.map(([label]) => label)),
): string[] {
  const columns = style.columns === null ? null : Math.max(style.columns, MIN_COLUMNS) - labelWidth - 4;
  return rows.flatMap(([label, text, tone]) =>
    wrap(text, columns).map((line, index) => {
      const shown = tone === undefined ? line : paint(line, tone, style);
      return `  ${padEnd(index === 0 ? label : "", labelWidth)}  ${shown}`;
    }),
  );
}

export interface Column {
  head: string;
  align?: "left" | "right";
  /** The least width of a column, so that the columns of several tables, or of rows printed one by one, are aligned. */
  width?: number;
}

/** The lines of a table: its head and its rows, with two spaces between columns. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], style: TextStyle): string[] {
  const widths = columns.map(({ head, width = 0 }, index) =>
    Math.max(width, widest([head, ...rows.map((row) => row[index] ?? "")])),
  );
  const line = (cells: readonly string[]): string =>
    `  ${cells
      .map((cell, index) => (columns[index]?.align === "left" ? padEnd : padStart)(cell, widths[index] ?? 0))
      .join("  ")}`.trimEnd();
  return [paint(line(columns.map(({ head }) => head)), "faint", style), ...rows.map(line)];
}

/** A heading in bold. */
export function heading(text: string, style: TextStyle): string {
  return paint(text, "strong", style);
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => Bun.stringWidth(text)));
}

/** Like String.padEnd, but counts columns of a terminal. */
export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(width - Bun.stringWidth(text), 0));
}

export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(width - Bun.stringWidth(text), 0)) + text;
}
