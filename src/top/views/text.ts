import { commandLine } from "../../json/printable.ts";
import { UNKNOWN } from "../../report/format.ts";
import type { ProcessRow } from "../model.ts";

/**
 * Maximum length of an argument in a line of a list. After this many characters, further arguments are left out too.
 */
const MAX_ARGUMENTS = 4096;
const BARS = "▁▂▃▄▅▆▇█";
const UNITS = ["B", "K", "M", "G", "T"] as const;

/** `12.3`; without decimals from 1,000 % on. At most 5 characters up to 99,999 %. */
export function pctText(value: number | null): string {
  if (value === null) return UNKNOWN;
  return value >= 1000 ? value.toFixed(0) : value.toFixed(1);
}

/** `0.04`: two decimals, for small costs. */
export function finePctText(value: number | null): string {
  return value === null ? UNKNOWN : value.toFixed(2);
}

/** `31.4M`: at most 6 characters, in units of 1024. */
export function memoryText(bytes: number | null): string {
  if (bytes === null) return UNKNOWN;
  let value = bytes;
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)}${UNITS[unit]}`;
}

/** `1234`, `12.3k`. */
export function countText(value: number | null): string {
  if (value === null) return UNKNOWN;
  if (value < 9999.5) return value.toFixed(0);
  return value < 999_950 ? `${(value / 1e3).toFixed(1)}k` : `${(value / 1e6).toFixed(1)}M`;
}

/** The last `room` values as bars, the latest at the right. The highest value is a full bar. */
export function sparkline(values: readonly number[], room: number): string {
  const shown = values.slice(-Math.max(room, 0));
  const most = Math.max(...shown, 0);
  return shown.map((value) => BARS[most > 0 ? Math.round((value / most) * (BARS.length - 1)) : 0]).join("");
}

/** The command line. If there is none, as for a kernel thread, the name in brackets. */
export function commandText({
  args,
  comm,
  argsTruncated,
}: Pick<ProcessRow, "args" | "comm" | "argsTruncated">): string {
  if (args === null || args.length === 0) return `[${comm}]`;
  const some: string[] = [];
  let length = 0;
  for (const arg of args) {
    if (length > MAX_ARGUMENTS) break;
    some.push(arg.slice(0, MAX_ARGUMENTS));
    length += arg.length;
  }
  const isCut = argsTruncated === true || some.length < args.length;
  return `${commandLine(some)}${isCut ? " …" : ""}`;
}

/** Whether a row contains the text, in upper or lower case. */
export function matchesFilter(row: ProcessRow, filter: string): boolean {
  if (filter === "") return true;
  const { pid, user, comm, place } = row;
  const wanted = filter.toLowerCase();
  return [String(pid), user, comm, place.unit, place.container?.id, row.exe, ...(row.args ?? [])].some((text) =>
    text?.toLowerCase().includes(wanted),
  );
}
