import { describe, expect, test } from "bun:test";
import { Conditions } from "../../src/collect/conditions.ts";
import { reportPidNamespace } from "../../src/collect/pid-namespace-condition.ts";
import { WatchedProcesses } from "../../src/collect/watched-processes.ts";
import { setUpLog } from "../../src/config/log.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { recordIn } from "../../src/wire/record.ts";
import { forkRecord } from "../wire/make-record.ts";

setUpLog({ level: "silent", color: false });

/** A pid above every possible pid. */
const PID = 2 ** 23;
const nothingHidden = { mayHide: () => false };

function watching(...pids: number[]) {
  const conditions = new Conditions();
  const resolve = () => pids.map((pid) => ({ given: pid, pid, startTicks: null }));
  const watched = new WatchedProcesses(pids, conditions, resolve);
  const followed = new Set(pids);
  const untracked: number[] = [];
  const followers = {
    backend: { untrackPid: (pid: number) => void untracked.push(pid) },
    filter: { follow: (pid: number) => void followed.add(pid), exited: (pid: number) => void followed.delete(pid) },
  };
  return { conditions, watched, followed, untracked, followers };
}

function tableOf(...pids: number[]): ProcessTable {
  const table = new ProcessTable({ lingerNs: 1e9 });
  for (const pid of pids) table.fork(recordIn(forkRecord({ pid, start_ns: 1n, ts_ns: 1 })));
  return table;
}

describe("watched processes", () => {
  test("that ended before the probes were attached are dropped, because their pids may be reused", () => {
    const { watched, followed, untracked, followers } = watching(PID, PID + 1);
    watched.settle([PID, PID + 1, PID + 2], tableOf(PID, PID + 2), nothingHidden, followers);
    expect([[...followed], untracked]).toEqual([[PID, PID + 2], [PID + 1]]);
  });

  test("whose pid has been reused by then are dropped", () => {
    const { conditions, followed, untracked, followers } = watching(PID);
    const recycled = new WatchedProcesses([PID], conditions, () => [{ given: PID, pid: PID, startTicks: 5 }]);
    recycled.settle([PID], tableOf(PID), nothingHidden, followers);
    expect([[...followed], untracked]).toEqual([[], [PID]]);
  });

  test("that a list may hide stay watched", () => {
    const { watched, followed, followers } = watching(PID);
    watched.settle([PID], tableOf(), { mayHide: () => true }, followers);
    expect([...followed]).toEqual([PID]);
  });

  test("are reported as ended once none of them runs, with the given pids", () => {
    const { conditions, watched } = watching(PID, PID + 1);
    watched.look(1);
    expect(conditions.active.size).toBe(0);
    watched.look(0);
    expect(conditions.active.get("watched_process_gone")).toContain(`${PID}, ${PID + 1} have ended`);
  });

  test("without pids: none is reported as ended", () => {
    const { conditions, watched } = watching();
    watched.look(0);
    expect(conditions.active.size).toBe(0);
  });
});

test("a collector in a pid namespace reports that, and the missing processes", () => {
  const messageIn = (proc: "initial" | "own" | "other", listsAll = true) => {
    const conditions = new Conditions();
    reportPidNamespace(conditions, listsAll, { isInitial: false, proc });
    return conditions.active.get("foreign_pid_namespace");
  };
  expect(messageIn("initial")).toBeUndefined();
  expect(messageIn("own")).toContain("events have the host's pids");
  expect(messageIn("own")).not.toContain("samples");
  expect(messageIn("other", false)).toContain("no samples");
});
