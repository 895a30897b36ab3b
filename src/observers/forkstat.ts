import { readFileSync } from "node:fs";
import { defineObserver, needProgram } from "./define.ts";
import type { Program, Sighting, Tally } from "./observer.ts";
import { startTool } from "./tool-observer.ts";

const FORKSTAT: Program = { name: "forkstat", debian: "forkstat", version: ["-h"], isPeer: true };

const ROW = /^\d\d:\d\d:\d\d (fork|exec|exit) +(\d+) (.*)$/;

/** Maximum text of one row, characters. Names can contain newlines, so one row can have many lines. */
const MAX_ROW_CHARS = 64 * 1024;

/**
 * Reads `forkstat -e fork,exec,exit`. forkstat looks the command up in /proc after the event. For a process that has
 * ended by then it prints `<unknown>`, which names no process. forkstat prints a newline in the name of a process
 * unchanged, so a line that is not a row continues the row above.
 */
export function* parseForkstat(lines: Iterable<string>, tally: Tally): Generator<Sighting> {
  let row: { event: string; pid: number; rest: string } | null = null;
  for (const line of lines) {
    const [, event, pid, rest] = ROW.exec(line) ?? [];
    if (event !== undefined && pid !== undefined && rest !== undefined) {
      if (row !== null) yield* takeRow(row, tally);
      row = { event, pid: Number(pid), rest };
    } else if (/^Time +Event +PID /.test(line)) {
      // forkstat repeats its heading.
    } else if (row === null) {
      tally.unparsed += 1;
    } else if (row.rest.length + line.length < MAX_ROW_CHARS) {
      row.rest += `\n${line}`;
    }
  }
  if (row !== null) yield* takeRow(row, tally);
}

function* takeRow(row: { event: string; pid: number; rest: string }, tally: Tally): Generator<Sighting> {
  // A fork has two rows. The parent's row adds nothing.
  if (row.event === "fork" && /^ *parent /.test(row.rest)) return;
  tally.records += 1;
  const command = commandOf(row.event, row.rest);
  const sighting: Sighting = { pid: row.pid, what: row.event as "fork" | "exec" | "exit" };
  if (command !== "<unknown>") sighting.args = command;
  yield sighting;
}

/** The last column of a row: after "child" for a fork, after status and duration for an exit. */
function commandOf(event: string, rest: string): string {
  if (event === "fork") return rest.replace(/^ *child +/, "");
  if (event === "exit") return rest.replace(/^ *-?\d+ +(unknown|[\d.]+s) /, "");
  return rest.trimStart();
}

/** Whether a process listens to the kernel's process events: netlink(7) family 11 (connector), in its first group. */
function listensToProcessEvents(pid: number): boolean {
  try {
    return readFileSync("/proc/net/netlink", "latin1")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .some(([, family, port, groups]) => {
        return family === "11" && Number(port) === pid && (Number.parseInt(groups ?? "0", 16) & 1) === 1;
      });
  } catch {
    return false;
  }
}

/** forkstat: one row per event of the kernel's process events connector (netlink). */
export const forkstat = defineObserver({
  name: "forkstat",
  summary: "`forkstat -e fork,exec,exit`",
  programs: [FORKSTAT],
  needs: {
    initialPidNamespace: "the process events connector has host pids",
    root: "the process events connector",
  },
  kind: "events",
  inKernel: "connector",
  reports: ["fork", "exec", "exit", "args", "status"],
  start: (context) => {
    const path = needProgram(FORKSTAT);
    return startTool(context, {
      name: "forkstat",
      argv: () => [path, "-e", "fork,exec,exit"],
      stopSignal: "SIGINT",
      ready: (tool) => listensToProcessEvents(tool.pid),
      parse: parseForkstat,
      intervalMs: null,
    });
  },
});
