import { describe, expect, test } from "bun:test";
import { NamespaceLister } from "../../src/process/foreign-listers.ts";
import { openProcessLister } from "../../src/process/live-processes.ts";
import type { ProcessLister } from "../../src/process/process-lister.ts";
import type { PidNamespace } from "../../src/procfs/pid-namespace.ts";
import { hidesProcesses } from "../../src/procfs/proc-visibility.ts";
import { PROCESS_EVENT } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import { forkRecord, type Head } from "../wire/make-record.ts";

const OWN: PidNamespace = { isInitial: false, proc: "own" };
const HOST_PROC: PidNamespace = { isInitial: false, proc: "initial" };

function listerOf(running: () => readonly Head[]): ProcessLister {
  return {
    source: "task-iterator",
    list(each) {
      for (const head of running()) each(recordIn(forkRecord(head)));
    },
    [Symbol.dispose]() {},
  };
}

function missing(): never {
  throw new Error("this kernel has no such program");
}

describe("a list of one pid namespace", () => {
  test("can report only processes that it listed before as gone", () => {
    let running: Head[] = [
      { pid: 10, start_ns: 1n },
      { pid: 11, start_ns: 2n },
    ];
    using lister = new NamespaceLister(listerOf(() => running));
    lister.list(() => {});
    // The lister has listed no process so far.
    expect([10, 11, 12].map((pid) => lister.mayHide(pid, pid - 9))).toEqual([true, true, true]);
    running = [{ pid: 11, start_ns: 2n }];
    lister.list(() => {});
    expect(lister.mayHide(10, 1)).toBeFalse();
    // A process outside of the namespace, and a later process with a listed pid.
    expect([lister.mayHide(12, 3), lister.mayHide(10, 9)]).toEqual([true, true]);
  });
});

describe("the lister of a pid namespace", () => {
  const seen = (lister: ProcessLister) => {
    using listed = lister;
    const pids: number[] = [];
    listed.list((record) => pids.push(record.u32(PROCESS_EVENT.pid)));
    return { source: listed.source, mayHide: listed.mayHide?.(2 ** 23, 1) ?? false, pids };
  };

  test("is the walk over every process, if the kernel has it", () => {
    const walk = () => listerOf(() => [{ pid: 5 }]);
    const iterate = () => listerOf(() => [{ pid: 6 }]);
    expect(seen(openProcessLister(iterate, walk, OWN))).toEqual({ source: "task-iterator", mayHide: false, pids: [5] });
  });

  test("is the namespace's iterator without that walk, which hides processes outside", () => {
    const iterate = () => listerOf(() => [{ pid: 6 }]);
    expect(seen(openProcessLister(iterate, missing, OWN))).toEqual({
      source: "task-iterator",
      mayHide: true,
      pids: [6],
    });
  });

  test("is none without both, because /proc has pids of another namespace", () => {
    expect(seen(openProcessLister(missing, missing, OWN))).toEqual({ source: "none", mayHide: true, pids: [] });
  });

  test("is /proc, if that has the host's pids", () => {
    const { source, pids } = seen(openProcessLister(missing, missing, HOST_PROC));
    expect([source, pids.length > 0]).toEqual(["proc", true]);
  });
});

describe("a /proc that hides processes", () => {
  const mountinfo = (options: string) => `22 27 0:21 / /proc rw,relatime - proc proc rw${options}\n`;
  const other = { capabilities: 0n, groups: [65534] };
  const tracer = { capabilities: 1n << 19n, groups: [65534] };
  const cases: [options: string, viewer: typeof other, hides: boolean][] = [
    ["", other, false],
    [",hidepid=0", other, false],
    [",hidepid=off", other, false],
    [",hidepid=1", other, true],
    [",hidepid=noaccess", other, true],
    [",hidepid=2", other, true],
    [",hidepid=invisible", other, true],
    [",hidepid=invisible,gid=40", other, true],
    [",hidepid=invisible,gid=65534", other, false],
    [",hidepid=invisible", { ...other, groups: [0] }, false],
    [",hidepid=ptraceable,gid=65534", other, true],
    [",hidepid=invisible", tracer, false],
    [",hidepid=ptraceable", tracer, false],
    [",subset=pid", other, false],
  ];
  for (const [options, viewer, hides] of cases) {
    const viewing = `capabilities ${viewer.capabilities}, groups ${viewer.groups}`;
    test(`rw${options} for ${viewing}: ${hides}`, () => expect(hidesProcesses(mountinfo(options), viewer)).toBe(hides));
  }

  test("is judged by the last mount on /proc", () => {
    const covered = mountinfo(",hidepid=2") + mountinfo("");
    expect(hidesProcesses(covered, other)).toBeFalse();
  });
});
