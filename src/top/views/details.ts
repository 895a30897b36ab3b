import { printable } from "../../json/printable.ts";
import { cell, widthOf } from "../cell-text.ts";
import type { Refresh } from "../model.ts";
import type { Line } from "../screen.ts";
import { ancestorsOf, factsOf } from "./facts.ts";
import { commandText } from "./text.ts";

/** Maximum number of characters shown of one argument. */
const MAX_ARGUMENT = 4096;

/** All known facts about one process, and its ancestors. */
export function detailsLines(refresh: Refresh, key: string, columns: number): Line[] {
  const byPid = new Map(refresh.processes.map((row) => [row.pid, row]));
  const row = refresh.processes.find((candidate) => candidate.key === key);
  if (row === undefined) return [{ text: cell(`process ${key.split(":")[0]} has ended`, columns), tone: "bad" }];
  return [
    ...factsOf(row).flatMap(([name, value]) => wrapped(name, value, columns)),
    { text: "" },
    { text: cell("ancestors", columns), tone: "strong" },
    ...ancestorsOf(row, byPid).map((one) => ({ text: cell(`  ${one.pid} ${commandText(one)}`, columns) })),
  ];
}

/** The lines of a fact. A long value continues on the next line. */
function wrapped(name: string, value: string, columns: number): Line[] {
  const indent = 14;
  const room = Math.max(columns - indent, 1);
  const text = printable(value.slice(0, MAX_ARGUMENT));
  const parts: string[] = [];
  let part = "";
  let width = 0;
  for (const character of text) {
    const wide = widthOf(character);
    if (width + wide > room) {
      parts.push(part);
      part = "";
      width = 0;
    }
    part += character;
    width += wide;
  }
  parts.push(part);
  return parts.map((shown, at) => ({ text: cell((at === 0 ? name : "").padEnd(indent) + shown, columns) }));
}
