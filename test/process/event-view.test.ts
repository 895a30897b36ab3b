import { describe, expect, test } from "bun:test";
import { splitArguments, textOf } from "../../src/json/text.ts";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { NO_SLOT } from "../../src/process/table-slots.ts";
import type { ProcessEvent } from "../../src/wire/event.ts";
import { fieldsOf } from "../../src/wire/fields.ts";
import {
  ARGS_CUT,
  EXE_WHOLE,
  KNOWN_ARGS,
  KNOWN_CGROUP,
  KNOWN_CPU,
  KNOWN_EXE,
  KNOWN_FAULTS,
  KNOWN_IO,
  KNOWN_PPID,
  KNOWN_RSS,
  KNOWN_START,
  KNOWN_STATUS,
} from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import {
  argumentBytes,
  concat,
  EXEC_KNOWN,
  type Exec,
  type Exit,
  execRecord,
  exitRecord,
  forkRecord,
  HEAD_KNOWN,
  type Head,
  pathComponents,
} from "../wire/make-record.ts";
import { eventOf } from "./event-of.ts";

/** Wall-clock time of the boot: 2026-09-21T14:13:20.000000000Z. */
const BOOT_NS = 1_790_000_000_000_000_000n;

/** A view with its table and clock, as in a run. */
class Run {
  readonly table = new ProcessTable({ lingerNs: 1e9 });
  readonly view = new EventView(this.table, new WallClock(BOOT_NS));

  event(record: Uint8Array): ProcessEvent {
    this.view.accept(recordIn(record));
    return eventOf(this.view);
  }

  fork(fields: Head) {
    return this.event(forkRecord(fields));
  }

  exec(fields: Exec) {
    return this.event(execRecord(fields)) as Extract<ProcessEvent, { type: "exec" }>;
  }

  exit(fields: Exit) {
    return this.event(exitRecord(fields)) as Extract<ProcessEvent, { type: "exit" }>;
  }
}

const HEAD: Head = {
  cpu: 3,
  pid: 4242,
  ppid: 4200,
  ns_pid: 7,
  uid: 1000,
  gid: 100,
  ts_ns: 12_345_678_901_234n,
  start_ns: 12_345_678_000_000n,
  cgroup_id: 2n ** 63n + 1n,
  comm: "true",
};

/** The fields of every event of `HEAD`, in their order. */
const BASE = {
  time: "2026-09-21T17:39:05.678901234Z",
  ts_ns: 12_345_678_901_234n,
  cpu: 3,
  pid: 4242,
  ppid: 4200,
  uid: 1000,
  gid: 100,
  comm: "true",
  start_ns: 12_345_678_000_000n,
  cgroup_id: 2n ** 63n + 1n,
  ns_pid: 7,
};

/** Expects these values in this order. Fields that are added to the table later need no change here. */
function expectEvent(event: ProcessEvent, expected: object): void {
  expect(event).toMatchObject(expected);
  const names = Object.keys(event);
  expect(names.filter((name) => name in expected)).toEqual(Object.keys(expected));
  const inTable = ["type", ...fieldsOf(event.type).map(({ name }) => name)];
  expect(names).toEqual(inTable.filter((name) => names.includes(name)));
}

describe("all fields of an event", () => {
  test("fork", () => {
    expectEvent(new Run().fork(HEAD), { type: "fork", ...BASE });
  });

  test("exec", () => {
    const run = new Run();
    run.fork({ ...HEAD, comm: "sh" });
    const event = run.exec({ ...HEAD, exe: pathComponents("/usr/bin/true"), args: argumentBytes("true", "-x") });
    expectEvent(event, {
      type: "exec",
      ...BASE,
      exe: "/usr/bin/true",
      args: ["true", "-x"],
      args_truncated: false,
      exe_truncated: false,
      old_comm: "sh",
    });
  });

  test("exit", () => {
    const run = new Run();
    run.exec({ ...HEAD, exe: pathComponents("/usr/bin/true"), args: argumentBytes("true", "-x") });
    const event = run.exit({
      ...HEAD,
      status: 3 << 8,
      utime_ns: 4_000_000n,
      stime_ns: 12_000_000n,
      runtime_ns: 1_000_000n,
      peak_rss_bytes: 123 * 4096,
      minor_faults: 77,
      major_faults: 2,
      read_bytes: 8192,
      write_bytes: 512,
    });
    expectEvent(event, {
      type: "exit",
      ...BASE,
      exit_code: 3,
      signal: null,
      core_dumped: false,
      duration_ns: 901_234n,
      cpu_user_ns: 250_000n,
      cpu_system_ns: 750_000n,
      peak_rss_bytes: 123 * 4096,
      minor_faults: 77,
      major_faults: 2,
      read_bytes: 8192,
      write_bytes: 512,
      exe: "/usr/bin/true",
      args: ["true", "-x"],
      args_truncated: false,
      exe_truncated: false,
    });
  });

  test("are null, not 0, if the backend does not know them", () => {
    const run = new Run();
    const bare = { ...HEAD, flags: 0, ppid: 0, start_ns: 0n, cgroup_id: 0n, ns_pid: 0 };
    const { ns_pid: _, ...base } = { ...BASE, ppid: null, start_ns: null, cgroup_id: null };
    expectEvent(run.exec(bare), {
      type: "exec",
      ...base,
      exe: null,
      args: null,
      args_truncated: null,
      exe_truncated: null,
      old_comm: null,
    });
    expectEvent(run.exit({ ...bare, known: 0 }), {
      type: "exit",
      ...base,
      exit_code: null,
      signal: null,
      core_dumped: null,
      duration_ns: null,
      cpu_user_ns: null,
      cpu_system_ns: null,
      peak_rss_bytes: null,
      minor_faults: null,
      major_faults: null,
      read_bytes: null,
      write_bytes: null,
      exe: null,
      args: null,
      args_truncated: null,
      exe_truncated: null,
    });
    expectEvent(run.fork({ ...bare, pid: 4300 }), { type: "fork", ...base, pid: 4300 });
  });
});

describe("how a process ended", () => {
  test.each([
    [0, 0, null, false],
    [1 << 8, 1, null, false],
    [255 << 8, 255, null, false],
    [9, null, "SIGKILL", false],
    [11, null, "SIGSEGV", false],
    [6 | 0x80, null, "SIGABRT", true],
    [34, null, "SIGRTMIN", false],
    [64 | 0x80, null, "SIGRTMAX", true],
  ])("status %i", (status, exit_code, signal, core_dumped) => {
    expect(new Run().exit({ pid: 1, status })).toMatchObject({ exit_code, signal, core_dumped });
  });

  test.each([
    [KNOWN_STATUS, ["exit_code", "core_dumped"]],
    [KNOWN_CPU, ["cpu_user_ns", "cpu_system_ns"]],
    [KNOWN_RSS, ["peak_rss_bytes"]],
    [KNOWN_FAULTS, ["minor_faults", "major_faults"]],
    [KNOWN_IO, ["read_bytes", "write_bytes"]],
  ])("known bits %i provide %p and nothing else", (known, fields) => {
    const { exit_code, core_dumped, cpu_user_ns, cpu_system_ns, ...rest } = new Run().exit({ pid: 1, known });
    const { peak_rss_bytes, minor_faults, major_faults, read_bytes, write_bytes } = rest;
    const values = Object.entries({
      exit_code,
      core_dumped,
      cpu_user_ns,
      cpu_system_ns,
      peak_rss_bytes,
      minor_faults,
      major_faults,
      read_bytes,
      write_bytes,
    });
    expect(values.filter(([, value]) => value !== null).map(([name]) => name)).toEqual(fields);
  });
});

describe("the CPU time", () => {
  /** CPU time of an exit whose record was written at `sampleTimeNs` of the scheduler's clock, ns. */
  function cpuNs(fields: Exit, sampleTimeNs: number): bigint {
    const { view } = new Run();
    const record = recordIn(exitRecord(fields));
    record.sampleTimeNs = sampleTimeNs;
    view.accept(record);
    const event = eventOf(view) as Extract<ProcessEvent, { type: "exit" }>;
    return (event.cpu_user_ns ?? 0n) + (event.cpu_system_ns ?? 0n);
  }

  test.each([
    [
      "with the time that the last thread ran since its sum was updated",
      { runtime_ns: 5000, accounted_ns: 1_000_000 },
      1_000_700,
      5700n,
    ],
    ["without that time, if the kernel does not report the last update", { runtime_ns: 5000 }, 1_000_700, 5000n],
    ["without that time, if the record is from no ring", { runtime_ns: 5000, accounted_ns: 1_000_000 }, 0, 5000n],
    ["without that time, if the clocks do not match", { runtime_ns: 5000, accounted_ns: 1_000_000 }, 999_999, 5000n],
    ["with all of that time, if the sum was not updated yet", { accounted_ns: 1_000_000 }, 1_300_000, 300_000n],
  ])("is the scheduler's sum %s", (_, fields, sampleTimeNs, ns) => {
    const life = { pid: 1, start_ns: 0n, ts_ns: 1_000_000 };
    expect(cpuNs({ ...life, ...fields }, sampleTimeNs)).toBe(ns);
    // The sum is independent of the split between user and system time.
    expect(cpuNs({ ...life, ...fields, utime_ns: 4e6, stime_ns: 8e6 }, sampleTimeNs)).toBe(ns);
    expect(cpuNs({ ...life, ...fields, utime_ns: 0, stime_ns: 8e6 }, sampleTimeNs)).toBe(ns);
  });
});

describe("the duration", () => {
  test("is exact if the stamps are above 2^53", () => {
    const run = new Run();
    const start_ns = 2n ** 56n - 3n;
    expect(run.exit({ pid: 1, start_ns, ts_ns: start_ns + 1n }).duration_ns).toBe(1n);
    expect(run.exit({ pid: 1, start_ns, ts_ns: start_ns + 5n }).duration_ns).toBe(5n);
    expect(run.exit({ pid: 1, start_ns, ts_ns: start_ns + 2n ** 40n + 1n }).duration_ns).toBe(2n ** 40n + 1n);
  });

  test("without a start time is counted from the fork, if the fork was seen", () => {
    const flags = KNOWN_CGROUP;
    const run = new Run();
    run.fork({ pid: 1, flags, ts_ns: 1000 });
    expect(run.exit({ pid: 1, flags, ts_ns: 4500 }).duration_ns).toBe(3500n);
    run.exec({ pid: 2, flags, ts_ns: 1000 });
    expect(run.exit({ pid: 2, flags, ts_ns: 4500 }).duration_ns).toBe(null);
  });

  test("is null if the end is before the start", () => {
    expect(new Run().exit({ pid: 1, start_ns: 10n, ts_ns: 9 }).duration_ns).toBe(null);
  });
});

describe("the parent", () => {
  const flags = KNOWN_START;

  test("is the parent of the record, whether or not the table knows it", () => {
    expect(new Run().fork({ pid: 2, ppid: 99 }).ppid).toBe(99);
    expect(new Run().fork({ pid: 2, ppid: 0, flags: KNOWN_PPID }).ppid).toBe(0);
  });

  test("is from the table if the record does not have it, while that parent lives", () => {
    const run = new Run();
    run.fork({ pid: 10, ppid: 1, start_ns: 1n });
    run.fork({ pid: 20, ppid: 10, start_ns: 2n });
    expect(run.exec({ pid: 20, start_ns: 2n, flags }).ppid).toBe(10);
    run.exit({ pid: 10, start_ns: 1n });
    // The process that adopted it is not known.
    expect(run.exec({ pid: 20, start_ns: 2n, flags }).ppid).toBe(null);
    expect(run.exit({ pid: 20, start_ns: 2n, flags }).ppid).toBe(null);
  });
});

describe("the name before an exec", () => {
  test("is from the record, independent of the name at the last event", () => {
    const run = new Run();
    run.fork({ pid: 5, start_ns: 1n, comm: "sh" });
    expect(run.exec({ pid: 5, start_ns: 1n, comm: "env", old_comm: "renamed" }).old_comm).toBe("renamed");
    expect(run.exec({ pid: 6, start_ns: 2n, old_comm: "0123456789abcdef" }).old_comm).toBe("0123456789abcdef");
    expect(run.exec({ pid: 6, start_ns: 2n, old_comm: "" }).old_comm).toBe("");
  });

  test("is the name at the process's last event if the record does not have it", () => {
    const run = new Run();
    run.fork({ pid: 5, start_ns: 1n, comm: "sh" });
    expect(run.exec({ pid: 5, start_ns: 1n, comm: "env" }).old_comm).toBe("sh");
    expect(run.exec({ pid: 5, start_ns: 1n, comm: "true" }).old_comm).toBe("env");
  });

  test("is null if nothing was seen of the process, independent of earlier events of others", () => {
    const run = new Run();
    run.fork({ pid: 5, start_ns: 1n, comm: "sh" });
    run.exec({ pid: 5, start_ns: 1n, comm: "env" });
    expect(run.exec({ pid: 6, start_ns: 2n }).old_comm).toBe(null);
  });

  test("is not from an earlier process of the same pid whose exit was lost", () => {
    const run = new Run();
    run.fork({ pid: 5, start_ns: 1n, comm: "earlier" });
    expect(run.exec({ pid: 5, start_ns: 2n, comm: "true" }).old_comm).toBe(null);
  });
});

describe("path and arguments", () => {
  const run = new Run();
  const exe = pathComponents("/bin/x");

  test.each([
    ["no argument", "", []],
    ["one empty argument", "\0", [""]],
    ["empty arguments at the end", "a\0\0\0", ["a", "", ""]],
    ["empty arguments before others", "\0\0a\0", ["", "", "a"]],
    ["line ends and tabs", "a\nb\0\t\r\0", ["a\nb", "\t\r"]],
    ["the last argument cut in the middle", "abc\0de", ["abc", "de"]],
    ["cut directly after an argument", "abc\0", ["abc"]],
    ["UTF-8", "grün\0😀\0", ["grün", "😀"]],
    ["a byte order mark", "\ufeffa\0", ["\ufeffa"]],
  ])("%s", (_, args, expected) => {
    expect(run.exec({ pid: 1, exe, args }).args).toEqual(expected);
  });

  test.each([
    ["a lone byte", [0xff], "\ufffd"],
    ["between letters", [0x61, 0xc3, 0x62], "a\ufffdb"],
    ["an overlong slash", [0xc0, 0xaf], "\ufffd\ufffd"],
    ["a sequence cut at the end", [0xe2, 0x82], "\ufffd"],
    ["a surrogate", [0xed, 0xa0, 0x80], "\ufffd\ufffd\ufffd"],
    ["past U+10FFFF", [0xf4, 0x90, 0x80, 0x80], "\ufffd\ufffd\ufffd\ufffd"],
  ])("invalid UTF-8 becomes U+FFFD: %s", (_, bytes, expected) => {
    const raw = Uint8Array.from(bytes);
    const event = run.exec({ pid: 1, exe: pathComponents(concat("/", raw)), args: argumentBytes(raw), comm: raw });
    expect([event.exe, event.args, event.comm]).toEqual([`/${expected}`, [expected], expected]);
  });

  test("args_truncated is true only for a cut command line", () => {
    expect(run.exec({ pid: 1, exe, args: "a\0b", flags: EXEC_KNOWN | ARGS_CUT }).args_truncated).toBe(true);
    expect(run.exec({ pid: 1, exe, args: "a\0b\0", flags: EXEC_KNOWN }).args_truncated).toBe(false);
    const unknown = run.exec({ pid: 1, exe, flags: (EXEC_KNOWN | ARGS_CUT) & ~KNOWN_ARGS });
    expect([unknown.args, unknown.args_truncated]).toEqual([null, null]);
  });

  test("a path that was too long is reported as its last 256 bytes with a mark, and its arguments are whole", () => {
    const cut = (exe: string) =>
      run.exec({ pid: 1, exe, exe_cut: true, args: "a\0-b\0", flags: EXEC_KNOWN & ~KNOWN_EXE });
    // The last component in the record may be incomplete.
    expect(cut("leaf\0dir\0cu")).toMatchObject({ exe: "/dir/leaf", exe_truncated: true, args: ["a", "-b"] });
    const long = "d".repeat(250);
    expect(cut(`leaf\0${long}\0${long}\0eee`).exe).toBe(`/${long}/leaf`.slice(-256));
    expect(cut(`a-longer-leaf\0${long}\0${long}\0e`).exe).toBe(`${long}/a-longer-leaf`.slice(-256));
    expect(cut(`${"l".repeat(255)}\0${"d".repeat(255)}\0`).exe).toBe(`/${"l".repeat(255)}`);
    // The path could not be read, so exe and exe_truncated are unknown.
    expect(cut("")).toMatchObject({ exe: null, exe_truncated: null, args: ["a", "-b"] });
    expect(run.exec({ pid: 1, exe: pathComponents("/a/b"), flags: EXEC_KNOWN }).exe_truncated).toBe(false);
  });

  test("a path without the mark exe_cut is unknown if it is incomplete, and its arguments are known", () => {
    const event = run.exec({ pid: 1, exe: "leaf\0de", args: "a\0", flags: EXEC_KNOWN & ~KNOWN_EXE });
    expect([event.exe, event.args]).toEqual([null, ["a"]]);
  });

  test("a path that is one string is read up to its NUL", () => {
    const flags = HEAD_KNOWN | KNOWN_EXE | EXE_WHOLE;
    expect(run.exec({ pid: 1, exe: "./relative\0", flags }).exe).toBe("./relative");
  });

  test("an exit has those of the last exec, or of the parent if the process never executed", () => {
    const lives = new Run();
    lives.exec({ pid: 1, start_ns: 1n, exe: pathComponents("/bin/one"), args: "one\0" });
    lives.fork({ pid: 2, start_ns: 2n, ppid: 1 });
    lives.exec({ pid: 1, start_ns: 1n, exe: pathComponents("/bin/two"), args: "two\0" });
    expect(lives.exit({ pid: 2, start_ns: 2n })).toMatchObject({ exe: "/bin/one", args: ["one"] });
    expect(lives.exit({ pid: 1, start_ns: 1n })).toMatchObject({ exe: "/bin/two", args: ["two"] });
    expect(lives.exit({ pid: 3, start_ns: 3n })).toMatchObject({ exe: null, args: null });
  });
});

describe("texts", () => {
  test.each([
    ["true\0\0\0", "true"],
    ["0123456789abcdef", "0123456789abcdef"],
    ["", ""],
    ["\0abc", ""],
    ["sh\0ell", "sh"],
  ])("textOf %j", (bytes, text) => {
    expect(textOf(new TextEncoder().encode(bytes))).toBe(text);
  });

  test("splitArguments does not change its input", () => {
    const bytes = argumentBytes("a", "b");
    expect(splitArguments(bytes)).toEqual(["a", "b"]);
    expect(bytes).toEqual(argumentBytes("a", "b"));
  });

  test("later events do not change an earlier event", () => {
    const run = new Run();
    const first = run.exec({ ...HEAD, exe: pathComponents("/bin/x"), args: "x\0" });
    const copy = structuredClone(first);
    run.exec({ ...HEAD, pid: 9, ts_ns: 1, comm: "other", exe: pathComponents("/bin/y"), args: "y\0" });
    expect(first).toEqual(copy);
  });

  test("the view has no process before its first event", () => {
    const run = new Run();
    expect(run.view.slot).toBe(NO_SLOT);
    expect(run.view.exeText).toBe(null);
    expect(run.view.argsText).toBe(null);
  });
});
