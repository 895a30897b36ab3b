import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { isStillThere, resolveWatchedPids } from "../../src/collect/watched-pids.ts";
import { EXIT } from "../../src/errors.ts";
import type { ProcessLister } from "../../src/process/process-lister.ts";
import type { PidNamespace } from "../../src/procfs/pid-namespace.ts";
import { readProcStat } from "../../src/procfs/proc-stat.ts";
import { recordIn } from "../../src/wire/record.ts";
import { Zombie } from "../procfs/zombie.ts";
import { forkRecord, type Head } from "../wire/make-record.ts";

const OWN: PidNamespace = { isInitial: false, proc: "own" };
/** A pid above every possible pid. */
const NONE = 2 ** 22 + 1;

function iteratorOf(...running: Head[]): () => ProcessLister {
  return () => ({
    source: "task-iterator",
    list(each) {
      for (const head of running) each(recordIn(forkRecord(head)));
    },
    [Symbol.dispose]() {},
  });
}

/** The message of the refusal, and its exit code. */
function refusal(resolve: () => unknown): { exitCode: number; message: string } {
  try {
    resolve();
  } catch (error) {
    const { exitCode, message } = error as { exitCode: number; message: string };
    return { exitCode, message };
  }
  throw new Error("it was not refused");
}

describe("the processes of --pid", () => {
  test("are found while they run, with their start", () => {
    const startTicks = readProcStat(process.pid)?.startTicks as number;
    const [watched, ...others] = resolveWatchedPids([process.pid, process.pid]);
    expect(others).toEqual([]);
    expect(watched).toEqual({ given: process.pid, pid: process.pid, startTicks });
    expect(isStillThere({ given: process.pid, pid: process.pid, startTicks })).toBeTrue();
    expect(isStillThere({ given: process.pid, pid: process.pid, startTicks: startTicks - 1 })).toBeFalse();
    expect(isStillThere({ given: NONE, pid: NONE, startTicks: 1 })).toBeFalse();
  });

  test("without pids: every process is watched", () => {
    expect(resolveWatchedPids([])).toEqual([]);
  });

  test("a pid that does not exist is refused, also among others", () => {
    const { exitCode, message } = refusal(() => resolveWatchedPids([process.pid, NONE, NONE + 1]));
    expect(exitCode).toBe(EXIT.usage);
    expect(message).toContain(`there is no process ${NONE}; there is no process ${NONE + 1}`);
    expect(message).toContain("ps -e");
  });

  test("a thread is refused, and its process named", () => {
    const tid = Number(readdirSync("/proc/self/task").find((name) => Number(name) !== process.pid));
    const { exitCode, message } = refusal(() => resolveWatchedPids([tid]));
    expect([exitCode, message.includes(`${tid} is a thread of process ${process.pid}`)]).toEqual([EXIT.usage, true]);
  });

  test("a zombie is refused", async () => {
    await using zombie = await Zombie.make();
    const { exitCode, message } = refusal(() => resolveWatchedPids([zombie.pid]));
    expect([exitCode, message.includes(`process ${zombie.pid} has ended`)]).toEqual([EXIT.usage, true]);
  });

  test("in a pid namespace are translated by the kernel", () => {
    const openIterator = iteratorOf(
      { pid: 900, ns_pid: 1 },
      { pid: 5000, ns_pid: process.pid },
      { pid: 77, ns_pid: 0 },
    );
    const watched = resolveWatchedPids([process.pid], { namespace: OWN, openIterator });
    expect(watched).toMatchObject([{ given: process.pid, pid: 5000 }]);
    const gone = () => resolveWatchedPids([process.pid], { namespace: OWN, openIterator: iteratorOf() });
    expect(refusal(gone)).toMatchObject({ exitCode: EXIT.usage });
  });

  test("in a pid namespace on a kernel that cannot translate are refused", () => {
    const openIterator = () => {
      throw new Error("no such program");
    };
    const { exitCode, message } = refusal(() => resolveWatchedPids([process.pid], { namespace: OWN, openIterator }));
    expect(exitCode).toBe(EXIT.cannotRun);
    expect(message).toContain("pid namespace other than the initial one");
    expect(message).toContain("--pid=host");
  });

  test("with the /proc of a third namespace are refused", () => {
    const namespace = { isInitial: false, proc: "other" } as const;
    expect(refusal(() => resolveWatchedPids([1], { namespace })).exitCode).toBe(EXIT.cannotRun);
  });
});
