import type { Status } from "../api/answers.ts";
import { listed } from "../report/format.ts";

/** Fields of an end that the list of commands shows, and what they are called there. */
const END_FIELDS: readonly (readonly [field: string, name: string])[] = [
  ["exit_code", "results"],
  ["cpu_user_ns", "CPU time"],
  ["duration_ns", "lifetimes"],
  ["peak_rss_bytes", "memory"],
  ["args", "arguments"],
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
      `The ${backend} backend reports no arguments: only those of processes that /proc showed are known.`,
    shown < matched && `Only the first ${shown} of ${matched} processes are read, in this order.`,
  ].filter((text) => text !== false);
}

/** What the list of commands that ended cannot show, one sentence each. */
export function missingOfCommands(status: Status, isTooFast: boolean, trouble: string | null): string[] {
  const { missing_fields, backend, filtered, suppressed, detail } = status;
  const names = END_FIELDS.filter(([field]) => missing_fields.includes(field)).map(([, name]) => name);
  const held = filtered.exit + suppressed.exit;
  return [
    trouble !== null && `Nothing new comes at the moment: ${trouble}`,
    isTooFast && "More than 3,000 processes end a second: this page does not follow them, to keep the cost low.",
    detail === "summary" &&
      "At the level of detail summary these are all processes that ended, as of the last totals; lifetimes and arguments are unknown.",
    names.length > 0 && `The ${backend} backend gives no values for ${listed(...names)}.`,
    held > 0 && `${held} ends were held back by filters or counted only, and are not listed.`,
  ].filter((text) => text !== false);
}
