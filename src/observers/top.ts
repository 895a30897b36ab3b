import { defineObserver, needProgram } from "./define.ts";
import type { Program, Sighting, Tally } from "./observer.ts";
import { startTool } from "./tool-observer.ts";

const TOP: Program = { name: "top", debian: "procps", elsewhere: "procps-ng", version: ["-V"] };
/** The widest line that top supports. */
const WIDTH = 512;

/**
 * Reads frames of `top -b`. The header of each frame names the columns. COMMAND is the last column, and extends to the
 * end of the line. A frame whose first column is not PID, or whose last is not COMMAND, yields nothing.
 */
export function* parseTop(lines: Iterable<string>, tally: Tally): Generator<Sighting> {
  // Number of columns before COMMAND; 0 within the summary above the table.
  let columns = 0;
  for (const line of lines) {
    if (/^top - /.test(line)) {
      columns = 0;
      tally.listings += 1;
    } else if (/^\s*PID\s.*\sCOMMAND\s*$/.test(line)) {
      columns = line.trim().split(/\s+/).length - 1;
    } else if (columns > 0 && line.trim() !== "") {
      const row = cutColumns(line, columns);
      const pid = Number(row?.[0]);
      if (row === null || !Number.isInteger(pid)) {
        tally.unparsed += 1;
        continue;
      }
      tally.records += 1;
      yield { pid, what: "listed", args: row[columns] ?? "" };
    }
  }
}

/**
 * The first `columns` words of a line, then the rest after one blank. The rest is empty if the command line of a
 * process has only blanks, because top removes them. Null if the line has fewer words.
 */
function cutColumns(line: string, columns: number): string[] | null {
  const found: string[] = [];
  let rest = line.trimStart();
  for (let index = 0; index < columns; index += 1) {
    if (rest === "") return null;
    const [word = ""] = rest.split(" ", 1);
    found.push(word);
    rest = rest.slice(word.length);
    rest = index === columns - 1 ? rest.slice(1) : rest.trimStart();
  }
  return [...found, rest];
}

/** `top` in batch mode, with whole command lines (-c). Without them its output would not identify a process. */
export const top = defineObserver({
  name: "top",
  summary: "`top -b -c -d INTERVAL`",
  programs: [TOP],
  grows: true,
  kind: "polling",
  reports: ["args", "cpu"],
  start: (context) => {
    const path = needProgram(TOP);
    return startTool(context, {
      name: "top",
      argv: () => [path, "-b", "-c", "-w", String(WIDTH), "-d", String(context.intervalMs / 1000)],
      stopSignal: "SIGTERM",
      ready: (tool) => tool.outputBytes() > 0,
      parse: parseTop,
      intervalMs: context.intervalMs,
    });
  },
});
