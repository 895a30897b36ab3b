import { describe, expect, test } from "bun:test";
import { addCaptures, CaptureCheck, noCapture } from "../../src/overhead/capture.ts";
import { GroundTruth, type SpawnTruth } from "../../src/workload/ground-truth.ts";
import type { Command } from "../../src/workload/programs.ts";

const ORIGIN_NS = 5_000_000_000_000n;
const COMMANDS: Command[] = [
  { program: "true", path: "/usr/bin/true", lifetimeMs: 1, share: 1 },
  { program: "exit", path: "/usr/bin/sh", lifetimeMs: null, share: 1 },
  { program: "signal", path: "/usr/bin/sh", lifetimeMs: null, share: 1 },
];

/** Spawns of 5 µs at intervals of 10 µs: pid, command and wait status (-1: never ended). */
function truthOf(...rows: [pid: number, command: number, status: number][]): GroundTruth {
  const truth = new GroundTruth({
    folder: "/tmp/f",
    spawnerPid: 7,
    originNs: ORIGIN_NS,
    run: 12_345,
    commands: COMMANDS,
  });
  for (const [index, [pid, command, status]] of rows.entries()) {
    const row = truth.columns.add();
    const arrays = truth.columns.arrays;
    const fromNs = 10_000 * index;
    arrays.pid[row] = pid;
    arrays.command[row] = command;
    arrays.status[row] = status;
    arrays.spawnedFromNs[row] = fromNs;
    arrays.spawnedByNs[row] = fromNs + 2000;
    arrays.exitedFromNs[row] = fromNs + 3000;
    arrays.exitedByNs[row] = fromNs + 5000;
  }
  return truth;
}

/** The events of a spawn from a collector that misses nothing. */
function eventsOf(spawn: SpawnTruth): Record<string, unknown>[] {
  const at = Number(spawn.spawnedFromNs);
  const { pid, args } = spawn;
  const ended = spawn.status !== null;
  return [
    { type: "fork", ts_ns: at + 500, pid },
    { type: "exec", ts_ns: at + 1000, pid, args, args_truncated: false },
    ...(ended ? [{ type: "exit", ts_ns: at + 2500, pid, exit_code: spawn.exitCode, signal: spawn.signal }] : []),
  ];
}

function checkOf(truth: GroundTruth, change: (events: Record<string, unknown>[]) => void = () => {}) {
  const events = [...truth].flatMap(eventsOf);
  change(events);
  const check = new CaptureCheck();
  for (const event of events) check.add(JSON.stringify(event));
  return check;
}

const THREE = () => truthOf([100, 0, 0], [101, 1, 42 << 8], [102, 2, 15]);

test("a process is captured if its fork, exec, arguments, exit and status are in the output", () => {
  const truth = THREE();
  expect(checkOf(truth).check(truth)).toEqual({ ...noCapture(), spawned: 3, captured: 3 });
});

describe("with detail processes", () => {
  const lineOf = (spawn: SpawnTruth, more: object = {}): string => {
    const { pid, args, exitCode, signal } = spawn;
    const at = Number(spawn.spawnedFromNs);
    const life = { type: "process", ts_ns: at + 2500, start_ns: at + 400, pid, exec_count: 1, args };
    return JSON.stringify({ ...life, args_truncated: false, exit_code: exitCode, signal, ...more });
  };

  test("one line is enough to capture a process", () => {
    const truth = THREE();
    const check = new CaptureCheck();
    for (const spawn of truth) check.add(lineOf(spawn));
    expect(check.check(truth)).toEqual({ ...noCapture(), spawned: 3, captured: 3 });
    expect(check.eventsBetween(Number(ORIGIN_NS), Number(ORIGIN_NS) + 1e6)).toBe(9);
  });

  test("a line without the exec, or with other arguments or another result, is not enough", () => {
    const truth = THREE();
    const changes = [{ exec_count: 0 }, { args: ["other"] }, { exit_code: 7, signal: null }];
    const check = new CaptureCheck();
    for (const [i, spawn] of [...truth].entries()) check.add(lineOf(spawn, changes[i]));
    expect(check.check(truth)).toEqual({
      ...noCapture(),
      spawned: 3,
      without_exec: 1,
      wrong_args: 1,
      wrong_status: 1,
    });
  });

  test("a process that is older than the run has only its exit", () => {
    const truth = truthOf([100, 0, 0]);
    const check = new CaptureCheck();
    for (const spawn of truth) check.add(lineOf(spawn, { exec_count: null }));
    expect(check.check(truth)).toEqual({ ...noCapture(), spawned: 1, without_fork: 1, without_exec: 1 });
  });
});

describe("a process is not captured", () => {
  const one = (change: (events: Record<string, unknown>[]) => void, expected: object): void => {
    const truth = THREE();
    expect(checkOf(truth, change).check(truth)).toEqual({ ...noCapture(), spawned: 3, captured: 2, ...expected });
  };

  test("without its fork, its exec or its exit", () => {
    one((events) => events.splice(0, 1), { without_fork: 1 });
    one((events) => events.splice(1, 1), { without_exec: 1 });
    one((events) => events.splice(2, 1), { without_exit: 1 });
  });

  test("with an additional, missing or different argument", () => {
    one((events) => Object.assign(events[1] ?? {}, { args: ["true"] }), { wrong_args: 1 });
    one((events) => Object.assign(events[1] ?? {}, { args: ["true", "123450000000", ""] }), { wrong_args: 1 });
    one((events) => Object.assign(events[1] ?? {}, { args: ["true", "123450000001"] }), { wrong_args: 1 });
  });

  test("with a different status or signal", () => {
    one((events) => Object.assign(events[5] ?? {}, { exit_code: 41 }), { wrong_status: 1 });
    one((events) => Object.assign(events[8] ?? {}, { signal: "SIGKILL" }), { wrong_status: 1 });
    one((events) => Object.assign(events[2] ?? {}, { exit_code: null, signal: "SIGKILL" }), { wrong_status: 1 });
  });

  test("whose pid belonged to another process at that time", () => {
    one((events) => Object.assign(events[0] ?? {}, { ts_ns: Number(ORIGIN_NS) - 1000 }), { without_fork: 1 });
    one((events) => Object.assign(events[2] ?? {}, { ts_ns: Number(ORIGIN_NS) + 6000 }), { without_exit: 1 });
  });
});

test("a reused pid is another process", () => {
  const truth = truthOf([100, 0, 0], [100, 1, 3 << 8]);
  expect(checkOf(truth).check(truth)).toMatchObject({ spawned: 2, captured: 2 });
  const half = checkOf(truth, (events) => events.splice(0, 3));
  expect(half.check(truth)).toMatchObject({ captured: 1, without_fork: 1, without_exec: 1, without_exit: 1 });
});

test("facts that a backend cannot report are counted as unreported, not as wrong", () => {
  const truth = truthOf([100, 0, 0]);
  const check = checkOf(truth, ([, exec, exit]) => {
    Object.assign(exec ?? {}, { args: null, args_truncated: null });
    Object.assign(exit ?? {}, { exit_code: null, signal: null });
  });
  expect(check.check(truth)).toMatchObject({ captured: 1, unreported_args: 1, unreported_status: 1 });
});

test("truncated arguments are compared up to their length", () => {
  const truth = truthOf([100, 0, 0]);
  const cut = (args: string[]) =>
    checkOf(truth, ([, exec]) => Object.assign(exec ?? {}, { args, args_truncated: true }));
  expect(cut(["true", "1234"]).check(truth)).toMatchObject({ captured: 1, unreported_args: 1 });
  expect(cut(["true", "9"]).check(truth)).toMatchObject({ captured: 0, wrong_args: 1 });
  expect(cut(["false", "1234"]).check(truth)).toMatchObject({ captured: 0, wrong_args: 1 });
});

test("a process that never ended needs no exit", () => {
  const truth = truthOf([100, 0, -1]);
  expect(checkOf(truth).check(truth)).toMatchObject({ captured: 1, without_exit: 0 });
});

test("other lines are not events: a summary is kept, and lines that are not JSON are counted", () => {
  const check = new CaptureCheck();
  check.add('{"type":"sample","pid":3,"ts_ns":5}');
  check.add('{"type":"fork","pid":');
  check.add('{"type":"summary","lost":7}');
  expect(check.summary).toEqual({ type: "summary", lost: 7 });
  expect(check.broken).toBe(1);
  expect(check.eventsBetween(0, 1e15)).toBe(0);
});

test("events are counted by their own time; the end of a window belongs to the next window", () => {
  const check = new CaptureCheck();
  for (const ts_ns of [30, 10, 20, 20, 40]) check.add(JSON.stringify({ type: "fork", pid: 1, ts_ns }));
  expect(check.eventsBetween(10, 20)).toBe(1);
  expect(check.eventsBetween(20, 40)).toBe(3);
  check.add(JSON.stringify({ type: "exit", pid: 1, ts_ns: 25 }));
  expect(check.eventsBetween(20, 40)).toBe(4);
});

test("the counts of several windows are added up", () => {
  const one = { ...noCapture(), spawned: 2, captured: 1, without_exec: 1 };
  expect(addCaptures(one, one)).toEqual({ ...noCapture(), spawned: 4, captured: 2, without_exec: 2 });
});

describe("in a pid namespace other than the initial one", () => {
  /** Events as on the host: with the kernel's pid and the pid in the process's own namespace. */
  function checkIn(truth: GroundTruth, others: Record<string, unknown>[] = []) {
    const check = new CaptureCheck("ns_pid");
    const own = [...truth].flatMap(eventsOf).map((event) => ({ ...event, pid: 70_000 + (event.pid as number) }));
    const events = own.map((event) => ({ ...event, ns_pid: event.pid - 70_000 }));
    for (const event of [...others, ...events]) check.add(JSON.stringify(event));
    return check;
  }

  test("a process is matched by its pid in the namespace", () => {
    const truth = THREE();
    expect(checkIn(truth).check(truth)).toMatchObject({ spawned: 3, captured: 3 });
    // On the host, the same numbers belong to other processes.
    const host = [...truth].flatMap(eventsOf);
    const check = new CaptureCheck("ns_pid");
    for (const event of host) check.add(JSON.stringify({ ...event, ns_pid: 1 }));
    expect(check.check(truth)).toMatchObject({ spawned: 3, captured: 0 });
  });

  test("a process of a third namespace with the same pid at that time is another process", () => {
    const truth = THREE();
    const others = [...truth].flatMap(eventsOf).map((event) => ({
      ...event,
      pid: 90_000 + (event.pid as number),
      ns_pid: event.pid,
      ...(event.type === "exec" ? { args: ["/bin/other"] } : {}),
      ...(event.type === "exit" ? { exit_code: 99, signal: null } : {}),
    }));
    expect(checkIn(truth, others).check(truth)).toMatchObject({
      spawned: 3,
      captured: 3,
      wrong_args: 0,
      wrong_status: 0,
    });
  });

  test("an event without such a pid belongs to no process", () => {
    const truth = THREE();
    const check = new CaptureCheck("ns_pid");
    for (const event of [...truth].flatMap(eventsOf)) check.add(JSON.stringify(event));
    expect(check.check(truth)).toMatchObject({ spawned: 3, captured: 0, without_fork: 3 });
  });
});
