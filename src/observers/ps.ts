import { join } from "node:path";
import { needTool } from "../sys/tool.ts";
import { defineObserver, needProgram } from "./define.ts";
import type { Program, Sighting, Tally } from "./observer.ts";
import { readProcIo } from "./proc-fs.ts";
import { startTool } from "./tool-observer.ts";

export const PS: Program = { name: "ps", debian: "procps", elsewhere: "procps-ng", version: ["--version"] };
const DIFF: Program = { name: "diff", debian: "diffutils" };

/** A row of `ps aux`. */
export interface PsRow {
  user: string;
  pid: number;
  /** The command with its arguments, as ps shows it: control characters and non-ASCII characters are "?" or ".". */
  command: string;
}

// USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND
const ROW = /^(\S.*?)\s+(\d+)\s+[\d.]+\s+[\d.]+\s+\d+\s+\d+\s+\S+\s+\S+\s+\S+\s+[\d:-]+ (.*)$/;
const HEADER = /^USER\s+PID\s+%CPU\s+%MEM\s+VSZ\s+RSS\s+TTY\s+STAT\s+START\s+TIME\s+COMMAND$/;

/** Reads one row of `ps aux` (procps). Returns null if the line is the header or not a row. */
export function parsePsRow(line: string): PsRow | null {
  const [, user, pid, command] = ROW.exec(line) ?? [];
  if (user === undefined || pid === undefined || command === undefined) return null;
  return { user, pid: Number(pid), command };
}

/** Whether a line is the header of `ps aux`. */
export function isPsHeader(line: string): boolean {
  return HEADER.test(line);
}

/**
 * Reads the output of `LOOP`: for each listing a mark, then the output of `diff`. The sightings are the rows that the
 * previous listing did not have (`> `).
 */
export function* parsePsDiffs(lines: Iterable<string>, tally: Tally): Generator<Sighting> {
  for (const line of lines) {
    if (line === LISTING_MARK) {
      tally.listings += 1;
    } else if (line.startsWith("> ")) {
      const row = parsePsRow(line.slice(2));
      if (row !== null) {
        tally.records += 1;
        yield { pid: row.pid, what: "listed", args: row.command };
      } else if (!isPsHeader(line.slice(2))) {
        tally.unparsed += 1;
      }
    } else if (!line.startsWith("< ") && line !== "---" && !/^\d+(,\d+)?[acd]\d+(,\d+)?$/.test(line)) {
      tally.unparsed += 1;
    }
  }
}

const LISTING_MARK = "# listing";

/**
 * A typical loop: list, compare with the last listing, wait. $1 is the last listing, $2 the new one, $3 the seconds.
 * The loop ends by itself when its folder is gone.
 */
const LOOP = `: >"$1"
while :; do
  ps aux >"$2" || exit 1
  echo "${LISTING_MARK}"
  diff "$1" "$2"
  mv "$2" "$1"
  sleep "$3"
done`;

/** `ps aux` every interval, each listing compared with the last. */
export const ps = defineObserver({
  name: "ps",
  summary: "`ps aux` every interval, each listing compared with the last by `diff`",
  programs: [PS, DIFF],
  grows: true,
  kind: "polling",
  reports: ["args", "cpu"],
  start: (context) => {
    const shell = needTool("sh", "install a POSIX shell");
    needProgram(PS);
    needProgram(DIFF);
    const seconds = String(context.intervalMs / 1000);
    return startTool(context, {
      name: "ps",
      argv: (folder) => [shell, "-c", LOOP, "ps-loop", join(folder, "last"), join(folder, "new"), seconds],
      stopSignal: "SIGTERM",
      ready: (tool) => tool.outputBytes() > 0,
      parse: parsePsDiffs,
      intervalMs: context.intervalMs,
      // The loop overwrites its listings, so their size is not known. The kernel counts all bytes that the loop wrote.
      bytesWritten: (tool) => readProcIo(tool.pid, "wchar"),
    });
  },
});
