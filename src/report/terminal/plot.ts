import { linearAxis, logAxis, tickText } from "../axis.ts";
import { padStart } from "./layout.ts";
import { paint, type TextStyle, type Tone } from "./style.ts";

/** A character at a place in the plot. */
export interface PlottedMark {
  mark: string;
  x: number;
  y: number;
  tone?: Tone;
}

export interface PlotOptions {
  marks: readonly PlottedMark[];
  xTitle: string;
  yTitle: string;
}

const ROWS = 10;
const LABEL_WIDTH = 5;
const MOST_COLUMNS = 72;
const LEAST_COLUMNS = 30;
const MOST_DECADES = 9;

/**
 * The lines of a plot. The x axis has powers of ten, for a cost. The y axis has 0 to 100 %. Marks are drawn in the
 * order of `marks`. If the place of a mark is taken, the mark moves to the nearest free place: in the same row if
 * possible, else in the nearest row with a free place.
 */
export function plotLines({ marks, xTitle, yTitle }: PlotOptions, style: TextStyle): string[] {
  const columns = Math.min(
    Math.max((style.columns ?? MOST_COLUMNS + 8) - LABEL_WIDTH - 4, LEAST_COLUMNS),
    MOST_COLUMNS,
  );
  const x = logAxis(
    marks.map((mark) => mark.x),
    MOST_DECADES,
    columns - 1,
  );
  const y = linearAxis([0, 100], 5, ROWS, true);
  const grid = Array.from({ length: ROWS + 1 }, () => new Array<string>(columns).fill(" "));
  for (const { mark, tone, ...at } of marks) {
    const place = freePlace(grid, Math.round(y.at(at.y)), Math.round(x.at(at.x)));
    const row = place && grid[place.row];
    if (row) row[place.column] = tone === undefined ? mark : paint(mark, tone, style);
  }
  const rows = grid.map((cells, index) => {
    const isLabelled = index % (ROWS / 2) === 0;
    const label = padStart(isLabelled ? `${100 - (100 * index) / ROWS} %` : "", LABEL_WIDTH);
    return `  ${label} ${isLabelled ? "┤" : "│"}${cells.join("").trimEnd()}`;
  });
  const ticks = new Array<string>(columns).fill(" ");
  const line = new Array<string>(columns).fill("─");
  for (const tick of x.ticks) {
    const at = Math.round(x.at(tick));
    line[at] = "┬";
    write(ticks, at, tickText(tick));
  }
  const indent = " ".repeat(LABEL_WIDTH + 3);
  return [
    `  ${yTitle}`,
    ...rows,
    `${indent}└${line.join("")}`,
    `${indent} ${ticks.join("").trimEnd()}`,
    padStart(xTitle, LABEL_WIDTH + 4 + columns),
  ];
}

/** Writes a text centred at `middle`, unless it would touch another text. */
function write(cells: string[], middle: number, text: string): void {
  const from = Math.min(Math.max(middle - Math.floor(text.length / 2), 0), cells.length - text.length);
  const isFree = cells.slice(Math.max(from - 1, 0), from + text.length + 1).every((cell) => cell === " ");
  if (isFree) for (const [index, letter] of [...text].entries()) cells[from + index] = letter;
}

/** The nearest free cell: in the same row if it has one, else in the nearest row that has one; null if none is free. */
function freePlace(
  grid: readonly (readonly string[])[],
  row: number,
  column: number,
): { row: number; column: number } | null {
  const columns = grid[0]?.length ?? 0;
  for (let rowShift = 0; rowShift < grid.length; rowShift++) {
    for (const atRow of rowShift === 0 ? [row] : [row + rowShift, row - rowShift]) {
      for (let shift = 0; shift < columns; shift++) {
        const found = [column + shift, column - shift].find((at) => grid[atRow]?.[at] === " ");
        if (found !== undefined) return { row: atRow, column: found };
      }
    }
  }
  return null;
}
