import type { Availability, Observer, Sighting, Tally } from "./observer.ts";
import { needInitialPidNamespace } from "./privilege.ts";
import { holdsBpfProgram, sleepsInPoll } from "./proc-fs.ts";
import { availableTool, needTool } from "./tool.ts";
import { startTool, type ToolMethod } from "./tool-observer.ts";
import { bpfAvailability, withTracefs } from "./tracefs.ts";

/** libbpf-tools' program, or bcc's, which Debian calls otherwise. */
const NAMES = ["execsnoop", "execsnoop-bpfcc"];
const MEND = "install libbpf-tools (or bpfcc-tools)";
/** Most text of one record, characters: arguments hold newlines, so that a record can be many lines. */
const MAX_RECORD_CHARS = 64 * 1024;

// PCOMM PID PPID RET ARGS; a successful exec returns 0. The name may hold blanks, so it is what is left.
const ROW = /^(.*?) +(\d+) +(\d+) +(-?\d+) (.*)$/;

/**
 * Reads the table of execsnoop (bcc and libbpf-tools alike). Newlines in names and arguments are printed as they are:
 * a line that is no row goes on with the arguments of the row above.
 */
export function* parseExecsnoop(lines: Iterable<string>, tally: Tally): Generator<Sighting> {
  let pid = -1;
  let args = "";
  for (const line of lines) {
    if (/^PCOMM\s+PID\s+PPID\s+RET\s+ARGS$/.test(line)) continue;
    const lost = /^Lost (\d+) events on CPU #\d+!$/.exec(line)?.[1];
    if (lost !== undefined) {
      tally.lost += Number(lost);
      continue;
    }
    const row = ROW.exec(line);
    if (row === null) {
      // The first half of a name with a newline in it, or more of the arguments.
      if (pid !== -1 && args.length + line.length < MAX_RECORD_CHARS) args += `\n${line}`;
      continue;
    }
    if (pid !== -1) {
      tally.records += 1;
      yield { pid, what: "exec", args };
    }
    pid = Number(row[2]);
    args = row[5] ?? "";
  }
  if (pid !== -1) {
    tally.records += 1;
    yield { pid, what: "exec", args };
  }
}

/** Why execsnoop cannot run here, or its version. */
export async function execsnoopAvailability(): Promise<Availability> {
  return (
    needInitialPidNamespace("execsnoop prints host pids") ??
    bpfAvailability() ??
    (await availableTool(NAMES, ["--version"], MEND))
  );
}

/** How execsnoop runs, with its default options. */
export function execsnoopMethod(): ToolMethod {
  const path = needTool(NAMES, MEND);
  return {
    name: "execsnoop",
    argv: () => withTracefs([path]),
    stopSignal: "SIGINT",
    ready: (tool) => holdsBpfProgram(tool.pid) && sleepsInPoll(tool.pid),
    parse: parseExecsnoop,
    intervalMs: null,
  };
}

/** bcc's execsnoop: a BPF program at the execve system call, a row for each. */
export const execsnoop: Observer = {
  name: "execsnoop",
  kind: "events",
  scope: "machine",
  inKernel: "bpf",
  reports: ["exec", "args"],
  aftermath: null,
  available: execsnoopAvailability,
  start: (context) => startTool(context, execsnoopMethod()),
};
