import { usageError } from "../errors.ts";
import { readProcStat } from "../procfs/proc-stat.ts";
import type { RunningSubject, Subject } from "./subject.ts";

/** Processes that run already. The test does not stop them. */
export class PidSubject implements Subject {
  readonly kind = "pid";
  readonly name: string;
  readonly command = null;
  readonly flushMs = null;
  readonly openSwitch = null;
  readonly #pids: readonly number[];

  /** @throws LinnixError (exit code 2) for no such process, a kernel thread, or this process or an ancestor of it */
  constructor(pids: readonly number[]) {
    const names = pids.map((pid) => {
      const stat = readProcStat(pid);
      if (stat === null) {
        throw usageError("no-process", { what: `--pid ${pid}`, why: "there is no such process", hint: "see ps -e" });
      }
      if (stat.isKernelThread) {
        throw usageError("kernel-thread", {
          what: `--pid ${pid}`,
          why: `${stat.comm} is a kernel thread, and no agent runs in a kernel thread`,
          hint: "name the agent's own process; the cost of BPF programs is measured with the process that loaded them",
        });
      }
      if (pid === process.pid || ancestors(process.pid).includes(pid)) {
        throw usageError("no-process", {
          what: `--pid ${pid}`,
          why: "this test is that process or descends from it, and would measure itself",
          hint: "name the agent's own process",
        });
      }
      return `${stat.comm} (${pid})`;
    });
    this.name = names.join(", ");
    this.#pids = withoutDescendants(pids);
  }

  async start(): Promise<RunningSubject> {
    const pids = this.#pids;
    const begun = new Map(pids.map((pid) => [pid, readProcStat(pid)?.startTicks]));
    return {
      roots: pids,
      load: null,
      programIds: [],
      problem: () => {
        const gone = pids.filter((pid) => readProcStat(pid)?.startTicks !== begun.get(pid));
        return gone.length === 0 ? null : `process ${gone.join(", ")} has ended`;
      },
      stop: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
  }
}

/** The pids without those that descend from another pid of the list, because a process counts with its descendants. */
function withoutDescendants(pids: readonly number[]): number[] {
  return [...new Set(pids)].filter((pid) => !ancestors(pid).some((ancestor) => pids.includes(ancestor)));
}

function ancestors(pid: number): number[] {
  const found: number[] = [];
  for (let at = readProcStat(pid)?.ppid ?? 0; at > 0 && !found.includes(at); at = readProcStat(at)?.ppid ?? 0) {
    found.push(at);
  }
  return found;
}
