/** Finds the processes of `--pid`: whether they exist, and which pids they have in the kernel. */
import { cannotRunError, usageError } from "../errors.ts";
import type { ProcessLister } from "../process/process-lister.ts";
import { TaskIterator } from "../process/task-iterator.ts";
import { type PidNamespace, pidNamespace } from "../procfs/pid-namespace.ts";
import { parseProcStat, readProcFile } from "../procfs/proc-stat.ts";
import { exists } from "../procfs/proc-visibility.ts";
import { PROCESS_EVENT } from "../wire/layout.gen.ts";

export interface WatchedPid {
  /** The pid that the user gave, as in /proc. */
  given: number;
  /** The kernel's pid, which events have. */
  pid: number;
  /** Start in clock ticks, as in /proc; null if /proc hides the process from this user. */
  startTicks: number | null;
}

export interface WatchedPidsOptions {
  namespace?: PidNamespace;
  /** Lists the processes of this pid namespace. @throws Error if this kernel has no task iterator */
  openIterator?: () => ProcessLister;
}

/**
 * Looks up the processes of `--pid`. In a pid namespace other than the initial one the kernel translates the pids,
 * because /proc shows only those of its own namespace.
 * @throws LinnixError: exit code 2 if one of them cannot be watched, for example because it has ended; 3 if their pids
 *   in the kernel cannot be found
 */
export function resolveWatchedPids(pids: readonly number[], options: WatchedPidsOptions = {}): WatchedPid[] {
  if (pids.length === 0) return [];
  const { namespace = pidNamespace(), openIterator = () => new TaskIterator() } = options;
  if (namespace.proc === "other") throw unknownNamespace(pids);
  const starts = new Map<number, number | null>();
  const problems: string[] = [];
  for (const pid of new Set(pids)) {
    const problem = problemOf(pid, namespace, starts);
    if (problem !== null) problems.push(problem);
  }
  if (problems.length > 0) throw notWatchable(pids, problems);
  if (namespace.proc === "initial") return [...starts].map(([pid, startTicks]) => ({ given: pid, pid, startTicks }));
  const kernelPids = kernelPidsOf(pids, openIterator);
  const missing = [...starts.keys()].filter((pid) => !kernelPids.has(pid));
  if (missing.length > 0) throw notWatchable(pids, missing.map(noProcess));
  return [...starts].map(([given, startTicks]) => ({ given, pid: kernelPids.get(given) as number, startTicks }));
}

/** Whether a process that was found is still the one with that pid. */
export function isStillThere({ given, startTicks }: WatchedPid): boolean {
  if (startTicks === null) return true;
  return parseProcStat(readProcFile(`/proc/${given}/stat`) ?? "")?.startTicks === startTicks;
}

/** Returns why a pid cannot be watched. If it can be watched, adds its start to `starts` and returns null. */
function problemOf(pid: number, namespace: PidNamespace, starts: Map<number, number | null>): string | null {
  const status = readProcFile(`/proc/${pid}/status`);
  const stat = parseProcStat(readProcFile(`/proc/${pid}/stat`) ?? "");
  if (status === null || stat === null) {
    // With hidepid, /proc can hide the process. `exists` finds it by a signal, which reaches only pids of this
    // process's own namespace.
    const isHidden = (namespace.isInitial || namespace.proc === "own") && exists(pid);
    if (isHidden) starts.set(pid, null);
    return isHidden ? null : noProcess(pid);
  }
  const tgid = Number(/^Tgid:\s*(\d+)$/m.exec(status)?.[1]);
  if (tgid !== pid) return `${pid} is a thread of process ${tgid}`;
  // A leader that has ended is a zombie as long as other threads of its process run.
  const hasEnded = (stat.state === "Z" || stat.state === "X") && stat.threads <= 1;
  if (hasEnded) return `process ${pid} has ended, and its parent has not waited for it`;
  starts.set(pid, stat.startTicks);
  return null;
}

function noProcess(pid: number): string {
  return `there is no process ${pid}`;
}

/** The kernel's pids, by the pids of this namespace. */
function kernelPidsOf(pids: readonly number[], openIterator: () => ProcessLister): Map<number, number> {
  const found = new Map<number, number>();
  try {
    using iterator = openIterator();
    iterator.list((record) => {
      const pid = record.u32(PROCESS_EVENT.ns_pid);
      if (pid !== 0) found.set(pid, record.u32(PROCESS_EVENT.pid));
    });
  } catch (cause) {
    throw cannotRunError(
      "pid-namespace",
      {
        what: `${flag(pids)} cannot be used`,
        why: "this is a pid namespace other than the initial one, and this kernel has no task iterator that translates pids",
        hint: "run linnix on the host, or start the container with --pid=host",
        setting: "filters.pid",
      },
      { cause },
    );
  }
  return found;
}

function unknownNamespace(pids: readonly number[]) {
  return cannotRunError("pid-namespace", {
    what: `${flag(pids)} cannot be used`,
    why: "/proc shows neither this process's pid namespace nor the initial one",
    hint: "mount the /proc of this namespace (unshare --mount-proc), or run linnix on the host",
    setting: "filters.pid",
  });
}

function notWatchable(pids: readonly number[], problems: readonly string[]) {
  return usageError("no-process", {
    what: `${flag(pids)} cannot be watched`,
    why: problems.join("; "),
    hint: "give pids of processes that run: see ps -e",
    setting: "filters.pid",
  });
}

function flag(pids: readonly number[]): string {
  return `--pid ${pids.join(",")}`;
}
