import { defineObserver, needProgram } from "./define.ts";
import type { Needs, Program, Sighting, Tally } from "./observer.ts";
import { holdsBpfProgram, sleepsInPoll } from "./proc-fs.ts";
import { startTool, type ToolMethod } from "./tool-observer.ts";
import { withTracefs } from "./tracefs.ts";

/** A program of libbpf-tools, or bcc's version of it, which Debian installs as `NAME-bpfcc`. */
export function bccTool(name: string): Program {
  return { name, alias: `${name}-bpfcc`, debian: "libbpf-tools", version: ["--version"], isPeer: true };
}

export const EXECSNOOP = bccTool("execsnoop");
export const EXECSNOOP_NEEDS: Needs = {
  initialPidNamespace: "execsnoop prints host pids",
  bpf: true,
  tracefs: true,
};
/** Maximum text of one record, characters. Arguments can contain newlines, so one record can have many lines. */
const MAX_RECORD_CHARS = 64 * 1024;

// PCOMM PID PPID RET ARGS; a successful exec returns 0. The name can contain blanks: it ends before the first three
// numbers in a row.
const ROW = /^(.*?) +(\d+) +(\d+) +(-?\d+) (.*)$/;

/**
 * Reads the table of execsnoop (bcc and libbpf-tools alike). The tools print newlines in names and arguments unchanged,
 * so a line that is not a row continues the arguments of the row above.
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
      // The line is the first part of a name with a newline, or it continues the arguments.
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

/** How execsnoop runs, with its default options. */
export function execsnoopMethod(): ToolMethod {
  const path = needProgram(EXECSNOOP);
  return {
    name: "execsnoop",
    argv: () => withTracefs([path]),
    stopSignal: "SIGINT",
    ready: (tool) => holdsBpfProgram(tool.pid) && sleepsInPoll(tool.pid),
    parse: parseExecsnoop,
    intervalMs: null,
  };
}

/** execsnoop of libbpf-tools or bcc: a BPF program at the execve system call, and one row per call. */
export const execsnoop = defineObserver({
  name: "execsnoop",
  summary: "execsnoop of libbpf-tools or bcc",
  programs: [EXECSNOOP],
  needs: EXECSNOOP_NEEDS,
  kind: "events",
  inKernel: "bpf",
  reports: ["exec", "args"],
  start: (context) => startTool(context, execsnoopMethod()),
});
