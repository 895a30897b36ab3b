import { needTool } from "../sys/tool.ts";
import { defineObserver, needProgram } from "./define.ts";
import type { Sighting, Tally } from "./observer.ts";
import { isPsHeader, PS, parsePsRow } from "./ps.ts";
import { startTool } from "./tool-observer.ts";

/** Reads consecutive listings of `ps aux`, each with its header. */
export function* parsePsLog(lines: Iterable<string>, tally: Tally): Generator<Sighting> {
  for (const line of lines) {
    const row = parsePsRow(line);
    if (row !== null) {
      tally.records += 1;
      yield { pid: row.pid, what: "listed", args: row.command };
    } else if (isPsHeader(line)) {
      tally.listings += 1;
    } else {
      tally.unparsed += 1;
    }
  }
}

/** A typical cron job, as a loop with an interval of $1 seconds. */
const LOOP = `while :; do
  ps aux --sort=-%cpu | head -20
  sleep "$1"
done`;

/** `ps aux --sort=-%cpu | head -20` appended to a log every interval. */
export const psLog = defineObserver({
  name: "ps-log",
  summary: "`ps aux --sort=-%cpu \\| head -20` appended to a log every interval: the processes with the most CPU",
  programs: [PS],
  kind: "polling",
  reports: ["args", "cpu"],
  start: (context) => {
    const shell = needTool("sh", "install a POSIX shell");
    needProgram(PS);
    return startTool(context, {
      name: "ps-log",
      argv: () => [shell, "-c", LOOP, "ps-log-loop", String(context.intervalMs / 1000)],
      stopSignal: "SIGTERM",
      ready: (tool) => tool.outputBytes() > 0,
      parse: parsePsLog,
      intervalMs: context.intervalMs,
    });
  },
});
