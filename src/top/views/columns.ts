import { UNKNOWN } from "../../report/format.ts";
import { cell, padded, right } from "../cell-text.ts";
import { groupName, type ProcessRow } from "../model.ts";
import { commandText, memoryText, pctText } from "./text.ts";

interface Column {
  name: string;
  width: number;
  isRight?: true;
  /** Least width of the terminal at which the column is shown. */
  from: number;
  text(row: ProcessRow): string;
}

const COLUMNS: readonly Column[] = [
  { name: "PID", width: 7, isRight: true, from: 0, text: ({ pid }) => String(pid) },
  { name: "PPID", width: 7, isRight: true, from: 110, text: ({ ppid }) => String(ppid ?? UNKNOWN) },
  { name: "USER", width: 9, from: 60, text: ({ user, uid }) => user ?? String(uid) },
  { name: "S", width: 1, from: 40, text: ({ state }) => state ?? UNKNOWN },
  { name: "%CPU", width: 6, isRight: true, from: 0, text: ({ cpuPct }) => pctText(cpuPct) },
  { name: "MEM", width: 6, isRight: true, from: 0, text: ({ rssBytes }) => memoryText(rssBytes) },
  { name: "THR", width: 4, isRight: true, from: 70, text: ({ threads }) => String(threads ?? UNKNOWN) },
  { name: "GROUP", width: 24, from: 140, text: ({ place }) => groupName(place) },
];

function columnsFor(columns: number): readonly Column[] {
  return COLUMNS.filter(({ from }) => columns >= from);
}

function joined(columns: number, textOf: (column: Column) => string, last: string): string {
  const shown = columnsFor(columns);
  const head = shown.map((column) => `${(column.isRight ? right : padded)(textOf(column), column.width)} `).join("");
  const headWidth = shown.reduce((sum, { width }) => sum + width + 1, 0);
  return headWidth < columns ? head + cell(last, columns - headWidth) : cell(head, columns);
}

export function processHeading(columns: number): string {
  return joined(columns, ({ name }) => name, "COMMAND");
}

/** @param prefix text before the command line: the branches of a tree */
export function processLine(row: ProcessRow, columns: number, prefix = ""): string {
  return joined(columns, (column) => column.text(row), prefix + commandText(row));
}
