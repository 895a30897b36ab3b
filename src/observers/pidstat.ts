import { defineObserver, needProgram } from "./define.ts";
import type { Program, Sighting, Tally } from "./observer.ts";
import { startTool } from "./tool-observer.ts";

const PIDSTAT: Program = { name: "pidstat", debian: "sysstat", version: ["-V"], isPeer: true };
/** Maximum text of one row, characters. Arguments can contain newlines, so one row can have many lines. */
const MAX_ROW_CHARS = 64 * 1024;

const HEADER = /^(?:\d\d:\d\d:\d\d|Average:)(?: [AP]M)? +UID +PID +%usr .* CPU +Command$/;
// time UID PID %usr %system %guest %wait %CPU CPU Command; older versions have no %wait.
const ROW = /^(?:\d\d:\d\d:\d\d|Average:)(?: [AP]M)? +\d+ +(\d+) +(?:[\d.]+ +){4,5}(?:\d+|-) {2}(.*)$/;

/**
 * Reads `pidstat -l`: the processes that used CPU time since the previous listing, and their averages at the end.
 * pidstat prints newlines in arguments unchanged, so a line that is not a row continues the row above.
 */
export function* parsePidstat(lines: Iterable<string>, tally: Tally): Generator<Sighting> {
  let row: { pid: number; args: string } | null = null;
  const take = function* (): Generator<Sighting> {
    if (row === null) return;
    tally.records += 1;
    yield { pid: row.pid, what: "listed", args: row.args };
    row = null;
  };
  for (const line of lines) {
    const [, pid, args] = ROW.exec(line) ?? [];
    if (pid !== undefined) {
      yield* take();
      row = { pid: Number(pid), args: args ?? "" };
    } else if (HEADER.test(line)) {
      yield* take();
      if (!line.startsWith("Average:")) tally.listings += 1;
    } else if (row !== null) {
      // An empty line ends the listing, or belongs to an argument. Both have the same effect here.
      if (row.args.length + line.length < MAX_ROW_CHARS) row.args += `\n${line}`;
    } else if (!/^Linux /.test(line) && line !== "") {
      tally.unparsed += 1;
    }
  }
  yield* take();
}

/** `pidstat -l` every interval, which is rounded to whole seconds. */
export const pidstat = defineObserver({
  name: "pidstat",
  summary: "`pidstat`, whole seconds only: processes that used CPU time since the last listing",
  programs: [PIDSTAT],
  kind: "polling",
  reports: ["args", "cpu"],
  start: (context) => {
    const path = needProgram(PIDSTAT);
    const seconds = Math.max(1, Math.round(context.intervalMs / 1000));
    return startTool(context, {
      name: "pidstat",
      argv: () => [path, "-l", String(seconds)],
      // At SIGINT, pidstat prints its averages before it ends.
      stopSignal: "SIGINT",
      ready: (tool) => tool.outputBytes() > 0,
      parse: parsePidstat,
      intervalMs: seconds * 1000,
    });
  },
});
