import { printable } from "../../json/printable.ts";
import { UNKNOWN } from "../../report/format.ts";
import { cell, widthOf } from "../cell-text.ts";
import { groupName, type ProcessRow, type Refresh } from "../model.ts";
import type { Line } from "../screen.ts";
import { commandText, memoryText, pctText } from "./text.ts";

const STATES: { readonly [state: string]: string } = {
  R: "running",
  S: "sleeping",
  D: "waiting, not interruptible",
  Z: "zombie: its parent has not waited for it",
  T: "stopped",
  t: "stopped by a tracer",
  I: "idle",
  X: "dead",
};
/** More of one argument is not shown. */
const MAX_ARGUMENT = 4096;

/** All that is known of one process, and what it descends from. */
export function detailsLines(refresh: Refresh, key: string, columns: number): Line[] {
  const byPid = new Map(refresh.processes.map((row) => [row.pid, row]));
  const row = refresh.processes.find((candidate) => candidate.key === key);
  if (row === undefined) return [{ text: cell(`process ${key.split(":")[0]} has ended`, columns), tone: "bad" }];
  const { state, place } = row;
  const facts: [string, string][] = [
    ["process", `${row.pid} ${printable(row.comm)}`],
    ["state", state === null ? UNKNOWN : `${state} ${STATES[state] ?? ""}`],
    ["user", `${row.user ?? UNKNOWN} (${row.uid})`],
    ["CPU", `${pctText(row.cpuPct)} % of a core`],
    ["memory", `${memoryText(row.rssBytes)} resident`],
    ["threads", String(row.threads ?? UNKNOWN)],
    ["started", row.startNs === null ? UNKNOWN : `${(Number(row.startNs) / 1e9).toFixed(3)} s after boot`],
    ["program", row.exe ?? UNKNOWN],
    ["group", groupName(place)],
    ["cgroup", place.cgroup ?? UNKNOWN],
    ...(row.args ?? []).map((arg, at): [string, string] => [`argument ${at}`, arg]),
    ...(row.argsTruncated ? [["", "more arguments are not kept"] as [string, string]] : []),
  ];
  return [
    ...facts.flatMap(([name, value]) => wrapped(name, value, columns)),
    { text: "" },
    { text: cell("ancestors", columns), tone: "strong" },
    ...ancestorsOf(row, byPid).map((one) => ({ text: cell(`  ${one.pid} ${commandText(one)}`, columns) })),
  ];
}

function ancestorsOf(row: ProcessRow, byPid: ReadonlyMap<number, ProcessRow>): ProcessRow[] {
  const found = new Set<ProcessRow>();
  for (let at = row; at.ppid !== null; ) {
    const parent = byPid.get(at.ppid);
    if (parent === undefined || parent === row || found.has(parent)) break;
    found.add(parent);
    at = parent;
  }
  return [...found];
}

/** A long value goes on below itself. */
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
