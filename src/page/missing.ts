import type { Status } from "../api/answers.ts";
import { listed } from "../report/format.ts";
import { MOST_PROCESSES } from "./asking.ts";

/** Fields of an exit that the list of commands shows, with their names in a note. */
const END_FIELDS: readonly (readonly [field: string, name: string])[] = [
  ["exit_code", "results"],
  ["cpu_user_ns", "CPU time"],
  ["duration_ns", "lifetimes"],
  ["peak_rss_bytes", "memory"],
];

/** What the list of processes cannot show, one sentence each. */
export function missingOfProcesses(status: Status, shown: number, matched: number): string[] {
  const { sampling, detail, missing_fields, backend } = status;
  return [
    sampling === null && "CPU, memory and threads are unknown, because sampling is off.",
    sampling !== null &&
      (status.budget?.level ?? 0) >= 2 &&
      "CPU, memory and threads are not read at present, because the budget is exceeded.",
    detail !== "events" && `At the level of detail ${detail} a process appears after the first scan that sees it.`,
    missing_fields.includes("args") &&
      `The ${backend} backend reports no arguments. The page shows only arguments that linnix read from /proc.`,
    shown < matched &&
      shown >= MOST_PROCESSES &&
      `Only the first ${shown} of ${matched} processes are read, in this order.`,
  ].filter((text) => text !== false);
}

/** What the list of commands that ended cannot show, one sentence each. */
export function missingOfCommands(status: Status, hasEnds: boolean, trouble: string | null): string[] {
  const { missing_fields, backend, filtered, suppressed, detail } = status;
  const names = END_FIELDS.filter(([field]) => missing_fields.includes(field)).map(([, name]) => name);
  const held = filtered.exit + suppressed.exit;
  return [
    detail === "summary" && trouble !== null && `The page receives no totals at the moment: ${trouble}`,
    detail === "summary" &&
      "At the level of detail summary, these are all processes that ended until the last totals. Lifetimes are unknown.",
    !hasEnds && "The daemon reports no ends of processes, because its setting probes.events does not include exit.",
    names.length > 0 && `The ${backend} backend gives no values for ${listed(...names)}.`,
    held > 0 && `Ends of processes that filters excluded, or that linnix only counted, are not listed: ${held}.`,
  ].filter((text) => text !== false);
}

/** What the list of groups cannot show, one sentence each. */
export function missingOfGroups(status: Status, hasGroups: boolean): string[] {
  const { missing_fields, backend, sampling } = status;
  return [
    !hasGroups &&
      `Groups are off (metrics.groups is false). These are sums over at most ${MOST_PROCESSES} live processes, without the CPU time of processes that have ended.`,
    !hasGroups && sampling === null && "CPU and memory are unknown, because sampling is off.",
    hasGroups &&
      missing_fields.includes("cpu_user_ns") &&
      `The ${backend} backend gives no CPU time of processes that ended, so the CPU time of short-lived processes is missing.`,
  ].filter((text) => text !== false);
}
