import { expect, test } from "bun:test";
import { ProcessAnswers } from "../../src/api/process-answers.ts";
import type { Names } from "../../src/api/process-json.ts";
import type { Place } from "../../src/cgroup/place.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { KNOWN_AUID, KNOWN_EFFECTIVE } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import {
  argumentBytes,
  bytesOf,
  EXEC_KNOWN,
  execRecord,
  exitRecord,
  forkRecord,
  pathComponents,
} from "../wire/make-record.ts";

const NOBODY: Names = { userName: () => null, groupName: () => null, of: () => null };

function answersOf(names: Partial<Names> = {}) {
  const table = new ProcessTable({ lingerNs: 1e18 });
  return { table, answers: new ProcessAnswers(table, { ...NOBODY, ...names }) };
}

function textOf(answer: Uint8Array | null): string {
  return new TextDecoder().decode(answer ?? new Uint8Array());
}

function parsed(answer: Uint8Array | null): unknown {
  return JSON.parse(textOf(answer));
}

const ALL = { sort: "cpu", limit: 10_000, user: null, cgroup: null, comm: null } as const;

test("a list has only processes that match the filters of the run; single processes and ancestors are not filtered", () => {
  const table = new ProcessTable({ lingerNs: 1e18 });
  const answers = new ProcessAnswers(table, NOBODY, (slot) => table.comm(slot) === "watched");
  table.fork(recordIn(forkRecord({ pid: 7, comm: "other", uid: 5, gid: 6 })));
  table.fork(recordIn(forkRecord({ pid: 8, ppid: 7, comm: "watched", uid: 5, gid: 6 })));
  expect(parsed(answers.list(ALL))).toMatchObject({ live: 1, matched: 1, processes: [{ pid: 8 }] });
  expect(parsed(answers.one(7))).toMatchObject({ pid: 7 });
  expect(parsed(answers.graph(8))).toMatchObject({ process: { pid: 8 }, ancestors: [{ pid: 7 }] });
});

test("unknown values are null", () => {
  const { table, answers } = answersOf();
  table.fork(recordIn(forkRecord({ pid: 7, comm: "x", uid: 5, gid: 6, flags: 0 })));
  expect(parsed(answers.one(7))).toEqual({
    pid: 7,
    ppid: null,
    uid: 5,
    gid: 6,
    euid: null,
    egid: null,
    auid: null,
    user: null,
    group: null,
    comm: "x",
    exe: null,
    args: null,
    args_truncated: null,
    exe_truncated: null,
    start_ns: null,
    cgroup_id: null,
    cgroup: null,
    container: null,
    pod_uid: null,
    unit: null,
    cpu_pct: null,
    rss_bytes: null,
    threads: null,
    state: "live",
    exited_ns: null,
    exit_code: null,
    signal: null,
    core_dumped: null,
  });
  expect(answers.one(8)).toBeNull();
  expect(answers.graph(8)).toBeNull();
});

test("user= matches the real or the effective user, by name or number", () => {
  const { table, answers } = answersOf({ ...NOBODY, userName: (uid) => (uid === 0 ? "root" : null) });
  const flags = KNOWN_EFFECTIVE | KNOWN_AUID;
  table.fork(recordIn(forkRecord({ pid: 7, uid: 65534, gid: 65534, euid: 0, egid: 4, auid: 1000, flags })));
  table.fork(recordIn(forkRecord({ pid: 8, uid: 65534, euid: 65534, flags })));
  table.fork(recordIn(forkRecord({ pid: 9, uid: 65534, flags: 0 })));
  const pids = (user: string) =>
    (parsed(answers.list({ ...ALL, user })) as { processes: { pid: number }[] }).processes.map(({ pid }) => pid);
  expect(pids("root")).toEqual([7]);
  expect(pids("0")).toEqual([7]);
  expect(pids("65534")).toEqual([7, 8, 9]);
  expect(pids("1000")).toEqual([]);
  expect(parsed(answers.one(7))).toMatchObject({ uid: 65534, gid: 65534, euid: 0, egid: 4, auid: 1000 });
});

test("names and arguments of any bytes are valid JSON", () => {
  const place: Place = {
    cgroup: '/a"b\\c\n',
    container: { id: "0123456789ab", runtime: "docker" },
    pod_uid: "u-1",
    unit: "é.service",
  };
  const { table, answers } = answersOf({ userName: () => 'we"ird\\', groupName: () => "\u0007", of: () => place });
  const head = { pid: 9, ppid: 1, comm: bytesOf(new Uint8Array([0x61, 0xff, 0x22])), start_ns: 3n };
  const image = { exe: pathComponents("/bin/ü"), args: argumentBytes("a b", "", new Uint8Array([0x80]), '\t"') };
  table.exec(recordIn(execRecord({ ...head, flags: EXEC_KNOWN, ...image })));
  expect(parsed(answers.one(9))).toMatchObject({
    comm: 'a\ufffd"',
    exe: "/bin/ü",
    args: ["a b", "", "\ufffd", '\t"'],
    user: 'we"ird\\',
    group: "\u0007",
    ...place,
  });
});

test("a name that is longer than a comm matches the same processes as in /events", () => {
  const { table, answers } = answersOf();
  table.fork(recordIn(forkRecord({ pid: 7, comm: "systemd-journal", start_ns: 1n })));
  table.fork(recordIn(forkRecord({ pid: 8, comm: bytesOf(new Uint8Array([0x61, 0xff])), start_ns: 2n })));
  const pids = (comm: string) => {
    const { processes } = parsed(answers.list({ ...ALL, comm })) as { processes: { pid: number }[] };
    return processes.map(({ pid }) => pid);
  };
  expect(pids("systemd-journald")).toEqual([7]);
  expect(pids("systemd-journal")).toEqual([7]);
  expect(pids("systemd")).toEqual([]);
  // This is the name as in answers.
  expect(pids("a\ufffd")).toEqual([8]);
});

test("numbers above 2^53 are exact, shares of a core have two decimals, and status is a code or signal", () => {
  const { table, answers } = answersOf();
  const start_ns = 18_000_000_000_000_000_123n;
  const slot = table.fork(recordIn(forkRecord({ pid: 3, ppid: 1, start_ns, cgroup_id: 9_007_199_254_740_993n })));
  const text = () => textOf(answers.one(3));
  for (const [pct, json] of [
    [0, 0],
    [0.004, 0],
    [0.0051, 0.01],
    [0.3, 0.3],
    [99.999, 100],
    [6400.127, 6400.13],
  ] as const) {
    table.setSample(slot, pct, 2 ** 40, 70_000);
    expect(JSON.parse(text())).toMatchObject({ cpu_pct: json, rss_bytes: 2 ** 40, threads: 70_000 });
  }
  expect(text()).toContain(`"start_ns":${start_ns},"cgroup_id":9007199254740993,`);
  table.exit(recordIn(exitRecord({ pid: 3, start_ns, ts_ns: 77n, status: 0x0300 })));
  expect(JSON.parse(text())).toMatchObject({
    state: "exited",
    exited_ns: 77,
    exit_code: 3,
    signal: null,
    core_dumped: false,
  });
  table.exit(recordIn(exitRecord({ pid: 4, start_ns, ts_ns: start_ns + 1n })));
  expect(textOf(answers.one(4))).toContain(`"state":"exited","exited_ns":${start_ns + 1n},`);
});

test("a list of thousands of processes with long arguments is one document in the requested order", () => {
  const { table, answers } = answersOf();
  const COUNT = 5000;
  for (let pid = 1; pid <= COUNT; pid++) {
    const head = { pid, ppid: 1, comm: `p${pid}`, start_ns: BigInt(pid) };
    const args = argumentBytes(`p${pid}`, "\u0001".repeat(pid % 500 === 0 ? 20_000 : 10));
    table.exec(recordIn(execRecord({ ...head, flags: EXEC_KNOWN, exe: pathComponents("/bin/p"), args })));
  }
  const list = parsed(answers.list({ ...ALL, sort: "start" })) as {
    processes: { pid: number; args: string[] }[];
  };
  expect(list.processes.map(({ pid }) => pid)).toEqual(Array.from({ length: COUNT }, (_, i) => COUNT - i));
  expect(list.processes.every(({ pid, args }) => args[1]?.length === (pid % 500 === 0 ? 20_000 : 10))).toBe(true);
  const few = parsed(answers.list({ ...ALL, sort: "start", limit: 2, comm: "p4000" }));
  expect(few).toMatchObject({ live: COUNT, matched: 1, processes: [{ pid: 4000 }] });
  expect(parsed(answers.list({ ...ALL, comm: "none" }))).toEqual({ live: COUNT, matched: 0, processes: [] });
});
