import { paint, type TextStyle } from "./style.ts";

export interface BarPart {
  name: string;
  value: number;
}

/** Characters for the cells of the parts, in the order of the parts. They are distinct without colour. */
export const BAR_CELLS = ["█", "▓", "░"] as const;

const MOST_COLUMNS = 72;
const LEAST_COLUMNS = 30;
/** Length of the line, as a multiple of the sum or the limit, so that neither is at the end of the line. */
const BEYOND = 1.15;

/**
 * One line that shows the parts of a sum next to each other, with a mark at the limit. A part above 0 has at least one
 * cell.
 */
export function barLine(parts: readonly BarPart[], limit: number, style: TextStyle): string {
  const columns = Math.min(Math.max((style.columns ?? MOST_COLUMNS + 8) - 8, LEAST_COLUMNS), MOST_COLUMNS);
  const sum = parts.reduce((total, { value }) => total + value, 0);
  const cellsOf = (value: number): number => (value * columns) / (Math.max(sum, limit) * BEYOND || 1);
  const cells: string[] = [];
  let to = 0;
  for (const [index, { value }] of parts.entries()) {
    to += cellsOf(value);
    const end = Math.max(Math.round(to), value > 0 ? cells.length + 1 : 0);
    while (cells.length < end) cells.push(BAR_CELLS[index] ?? "█");
  }
  while (cells.length < columns) cells.push("·");
  cells[Math.min(Math.round(cellsOf(limit)), columns - 1)] = paint("|", "bad", style);
  return `  [${cells.slice(0, columns).join("")}]`;
}
