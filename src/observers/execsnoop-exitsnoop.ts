import type { CpuUsage } from "../sys/child.ts";
import { defineObserver, needProgram } from "./define.ts";
import { bccTool, EXECSNOOP, EXECSNOOP_NEEDS, execsnoopMethod } from "./execsnoop.ts";
import type { ObserverContext, RunningObserver, Sighting, Tally } from "./observer.ts";
import { newTally } from "./observer.ts";
import { holdsBpfProgram, sleepsInPoll } from "./proc-fs.ts";
import { startTool, type ToolMethod } from "./tool-observer.ts";
import { withTracefs } from "./tracefs.ts";

const EXITSNOOP = bccTool("exitsnoop");

// PCOMM PID PPID TID AGE(s) EXIT_CODE; the name can contain blanks. bcc prints EXIT_CODE as "code 1" or "signal 9
// (KILL)".
const ROW = /^(.*?) +(\d+) +(\d+) +(\d+) +(\d+\.\d+) +(.+)$/;

/**
 * Reads the table of exitsnoop (bcc and libbpf-tools alike): a row for each process that ended. A name with a newline
 * takes two lines, and the first of them is not a row.
 */
export function* parseExitsnoop(lines: Iterable<string>, tally: Tally): Generator<Sighting> {
  for (const line of lines) {
    if (/^PCOMM\s+PID\s+PPID\s+TID\s+AGE\(s\)\s+EXIT_CODE\s*$/.test(line)) continue;
    const lost = /^lost (\d+) events on CPU #\d+$/i.exec(line)?.[1];
    if (lost !== undefined) {
      tally.lost += Number(lost);
      continue;
    }
    const row = ROW.exec(line);
    if (row === null) {
      if (line !== "") tally.unparsed += 1;
      continue;
    }
    tally.records += 1;
    yield { pid: Number(row[2]), what: "exit" };
  }
}

function exitsnoopMethod(): ToolMethod {
  const path = needProgram(EXITSNOOP);
  return {
    name: "exitsnoop",
    argv: () => withTracefs([path]),
    stopSignal: "SIGINT",
    ready: (tool) => holdsBpfProgram(tool.pid) && sleepsInPoll(tool.pid),
    parse: parseExitsnoop,
    intervalMs: null,
  };
}

/** Two tools that run at the same time, with one common cost and output. */
class Pair implements RunningObserver {
  readonly intervalMs = null;
  readonly #parts: readonly RunningObserver[];

  constructor(parts: readonly RunningObserver[]) {
    this.#parts = parts;
  }

  pids(): number[] {
    return this.#parts.flatMap((part) => part.pids());
  }

  kernelThreads(): number[] {
    return this.#parts.flatMap((part) => part.kernelThreads());
  }

  problem(): string | null {
    return this.#parts.map((part) => part.problem()).find((problem) => problem !== null) ?? null;
  }

  async stop(): Promise<void> {
    await settleAll(this.#parts.map((part) => part.stop()));
  }

  *seen(tally: Tally = newTally()): Generator<Sighting> {
    for (const part of this.#parts) yield* part.seen(tally);
  }

  bytesWritten(): number {
    return this.#parts.reduce((sum, part) => sum + part.bytesWritten(), 0);
  }

  usage(): CpuUsage | null {
    const usages = this.#parts.flatMap((part) => part.usage() ?? []);
    if (usages.length < this.#parts.length) return null;
    return {
      cpuUserUs: usages.reduce((sum, { cpuUserUs }) => sum + cpuUserUs, 0),
      cpuSystemUs: usages.reduce((sum, { cpuSystemUs }) => sum + cpuSystemUs, 0),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await settleAll(this.#parts.map((part) => part[Symbol.asyncDispose]()));
  }
}

/** Waits for all promises, even if one of them rejects. @throws the reason of the first rejected promise in the list */
async function settleAll(ends: readonly PromiseLike<void>[]): Promise<void> {
  for (const end of await Promise.allSettled(ends)) if (end.status === "rejected") throw end.reason;
}

async function start(context: ObserverContext): Promise<RunningObserver> {
  const methods = [execsnoopMethod(), exitsnoopMethod()];
  const first = await startTool(context, methods[0] as ToolMethod);
  try {
    return new Pair([first, await startTool(context, methods[1] as ToolMethod)]);
  } catch (error) {
    await first[Symbol.asyncDispose]();
    throw error;
  }
}

/** execsnoop and exitsnoop at the same time. Together they report nearly the same events as linnix. */
export const execsnoopExitsnoop = defineObserver({
  name: "execsnoop+exitsnoop",
  summary: "execsnoop and exitsnoop at the same time, counted as one method: they report nearly the same as linnix",
  programs: [EXECSNOOP, EXITSNOOP],
  needs: EXECSNOOP_NEEDS,
  kind: "events",
  inKernel: "bpf",
  reports: ["exec", "exit", "args", "status"],
  start,
});
