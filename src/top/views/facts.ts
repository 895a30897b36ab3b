import { printable } from "../../json/printable.ts";
import { UNKNOWN } from "../../report/format.ts";
import { groupName, type ProcessRow } from "../model.ts";
import { memoryText, pctText } from "./text.ts";

const STATES: { readonly [state: string]: string } = {
  R: "running",
  S: "sleeping",
  D: "uninterruptible sleep",
  Z: "zombie: its parent has not reaped it",
  T: "stopped",
  t: "stopped by a tracer",
  I: "idle",
  X: "dead",
};

/** All known facts about one process. Values are not cut. */
export function factsOf(row: ProcessRow): [name: string, value: string][] {
  const { state, place } = row;
  return [
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
    ...(row.argsTruncated ? [["", "linnix does not store further arguments"] as [string, string]] : []),
  ];
}

/** The live ancestors of a process, parent first. */
export function ancestorsOf(row: ProcessRow, byPid: ReadonlyMap<number, ProcessRow>): ProcessRow[] {
  const found = new Set<ProcessRow>();
  for (let at = row; at.ppid !== null; ) {
    const parent = byPid.get(at.ppid);
    if (parent === undefined || parent === row || found.has(parent)) break;
    found.add(parent);
    at = parent;
  }
  return [...found];
}
