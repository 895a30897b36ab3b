import { defineObserver, needProgram } from "./define.ts";
import type { Program, Sighting, Tally } from "./observer.ts";
import { holdsBpfProgram, sleepsInPoll } from "./proc-fs.ts";
import { startTool } from "./tool-observer.ts";
import { withTracefs } from "./tracefs.ts";

const BPFTRACE: Program = { name: "bpftrace", debian: "bpftrace", version: ["--version"], isPeer: true };
/** Maximum text of one record, characters. Arguments can contain newlines, so one record can have many lines. */
const MAX_RECORD_CHARS = 64 * 1024;

/** A typical script. It prints calls of execve with their arguments, forks and exits. */
export const BPFTRACE_PROGRAM = `
tracepoint:syscalls:sys_enter_execve, tracepoint:syscalls:sys_enter_execveat { printf("EXEC %d ", pid); join(args->argv); }
tracepoint:sched:sched_process_fork { printf("FORK %d\\n", args->child_pid); }
tracepoint:sched:sched_process_exit { printf("EXIT %d\\n", pid); }
`;

/**
 * Reads the output of the script. The script prints newlines in arguments unchanged, so a line that is not a record
 * continues the arguments of the exec above. The script prints the pid and the arguments of an exec separately. If a
 * second exec's pid follows before the arguments, the parser drops the first pid.
 */
export function* parseBpftrace(lines: Iterable<string>, tally: Tally): Generator<Sighting> {
  let exec: { pid: number; args: string } | null = null;
  const take = function* (): Generator<Sighting> {
    if (exec === null) return;
    tally.records += 1;
    yield { pid: exec.pid, what: "exec", args: exec.args };
    exec = null;
  };
  for (const line of lines) {
    const [, kind, pid] = /^(FORK|EXIT) (\d+)$/.exec(line) ?? [];
    const lost = /^Lost (\d+) events$/.exec(line)?.[1];
    // The arguments belong to the last "EXEC" of the line.
    const [, execPid, args] = /^(?:EXEC \d+ )*EXEC (\d+) (.*)$/.exec(line) ?? [];
    if (kind !== undefined) {
      yield* take();
      tally.records += 1;
      yield { pid: Number(pid), what: kind === "FORK" ? "fork" : "exit" };
    } else if (execPid !== undefined) {
      yield* take();
      exec = { pid: Number(execPid), args: args ?? "" };
    } else if (lost !== undefined) {
      tally.lost += Number(lost);
    } else if (exec !== null) {
      if (exec.args.length + line.length < MAX_RECORD_CHARS) exec.args += `\n${line}`;
    } else if (!/^Attaching \d+ probes?\.\.\.$/.test(line) && line !== "") {
      tally.unparsed += 1;
    }
  }
  yield* take();
}

/** bpftrace with a script of tracepoints and printf. */
export const bpftrace = defineObserver({
  name: "bpftrace",
  summary: "a script of tracepoints and printf",
  programs: [BPFTRACE],
  needs: { initialPidNamespace: "bpftrace prints host pids", bpf: true, tracefs: true },
  kind: "events",
  inKernel: "bpf",
  reports: ["fork", "exec", "exit", "args"],
  start: (context) => {
    const path = needProgram(BPFTRACE);
    return startTool(context, {
      name: "bpftrace",
      argv: () => withTracefs([path, "-e", BPFTRACE_PROGRAM]),
      stopSignal: "SIGINT",
      ready: (tool) => holdsBpfProgram(tool.pid) && sleepsInPoll(tool.pid),
      parse: parseBpftrace,
      intervalMs: null,
    });
  },
});
