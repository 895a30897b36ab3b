import { describe, expect, test } from "bun:test";
import { ByteWriter } from "../../src/json/byte-writer.ts";
import { JsonEncoder } from "../../src/sinks/jsonl.ts";
import type { ExecEvent, ProcessEvent } from "../../src/wire/event.ts";
import { ARGS_CUT, PROCESS_EVENT } from "../../src/wire/layout.gen.ts";
import {
  decode,
  eventLine,
  loadRecording,
  presentLayout,
  RECORD_COMMAND,
  recordedLayout,
  recordingNames,
} from "../fixtures/records/recording.ts";
import { expectSameEnd, parseTruth, type Story, storyOf, Truths } from "../kernel/support/fixture.ts";

const isStale = !Bun.deepEquals(presentLayout(), recordedLayout());

test("the recordings have the current record layout", () => {
  if (isStale) throw new Error(`the layout of the records has changed; as root: ${RECORD_COMMAND}`);
});

/** A decoded recording, and the reports of its own processes. */
class Decoded {
  readonly recording;
  readonly events: ProcessEvent[];
  readonly truths: Truths;

  constructor(name: string) {
    this.recording = loadRecording(name);
    this.events = decode(this.recording.records, (_, event) => event);
    this.truths = new Truths(this.recording.truth.map(parseTruth));
  }

  /** The events of the process that was reaped under that label. */
  story(label: string): Story {
    return storyOf(this.events, this.truths.reaped(label));
  }

  /** The only exec of the process with that label. */
  exec(label: string): ExecEvent {
    const { execs } = this.story(label);
    if (execs.length !== 1 || !execs[0]) throw new Error(`${execs.length} execs of ${label}`);
    return execs[0];
  }
}

/** The arguments, cut where those of the exec are cut. */
function cutLike(args: readonly string[], { args: told }: ExecEvent): string[] {
  const count = told?.length ?? 0;
  return args.slice(0, count).map((arg, i) => (i === count - 1 ? arg.slice(0, told?.at(-1)?.length) : arg));
}

describe.skipIf(isStale)(`recorded records${isStale ? " (of another layout)" : ""}`, () => {
  const names = recordingNames();

  test.each(names)("%s: decode to the same events, byte for byte", (name) => {
    const { recording, events } = new Decoded(name);
    expect(events.map(eventLine)).toEqual(recording.events);
    const encoder = new JsonEncoder();
    const lines = decode(recording.records, (view) => {
      const out = new ByteWriter(0);
      encoder.encode(view, out);
      return `${new TextDecoder("utf-8", { ignoreBOM: true }).decode(out.bytes.subarray(0, out.length))}}`;
    });
    expect(lines).toEqual(recording.events);
  });

  test.each(names)("%s: are ordered by time, with the fork of each process first and its exit last", (name) => {
    const { events } = new Decoded(name);
    const stamps = events.map(({ ts_ns }) => ts_ns);
    expect(stamps).toEqual(stamps.toSorted((a, b) => (a < b ? -1 : 1)));
    const pids = new Set(events.map(({ pid }) => pid));
    for (const pid of pids) {
      const types = events.filter((event) => event.pid === pid).map(({ type }) => type);
      expect(types[0]).toBe("fork");
      expect(types.indexOf("exit")).toBe(types.length - 1);
    }
    // Every process of the scenario descends from the first.
    const [first] = events;
    for (const { pid, ppid } of events.filter(({ type }) => type === "fork")) {
      if (pid !== first?.pid && ppid !== null) expect(pids.has(ppid)).toBe(true);
    }
  });

  const ofBtf = names.filter((name) => !name.startsWith("tracepoint"));

  test.each(ofBtf)("%s: agree with wait4 about each exit", (name) => {
    const { events, truths } = new Decoded(name);
    expect(truths.everyReaped().length).toBeGreaterThan(0);
    for (const truth of truths.everyReaped()) {
      const { fork, exit } = storyOf(events, truth);
      expectSameEnd(exit, truth);
      expect([exit.minor_faults, exit.major_faults]).toEqual([truth.minor_faults, truth.major_faults]);
      expect(exit.duration_ns).toBe(exit.ts_ns - (fork.start_ns ?? 0n));
      expect(Number(exit.peak_rss_bytes)).toBeLessThanOrEqual(1024 * truth.max_rss_kib);
    }
  });

  test.each(ofBtf)("%s: agree with what each program prints about itself", (name) => {
    const { events, truths } = new Decoded(name);
    for (const truth of truths.all) {
      // Other processes were forked and executed nothing.
      if (truth.kind !== "self" || (truth.label !== "main" && truth.label !== "leaf")) continue;
      const exec = events.findLast((event): event is ExecEvent => event.type === "exec" && event.pid === truth.pid);
      if (!exec) throw new Error(`no exec of ${truth.pid}`);
      const { pid, ns_pid, ppid, uid, gid, comm } = exec;
      expect({ pid, ns_pid, ppid, uid, gid, comm }).toEqual({
        pid: truth.pid,
        ns_pid: truth.ns_pid,
        ppid: truth.ppid,
        uid: truth.uid,
        gid: truth.gid,
        comm: truth.comm,
      });
      // A program reports null for a value that is too long.
      if (exec.exe !== null && truth.exe !== null) expect(exec.exe).toBe(truth.exe.replace(/ \(deleted\)$/, ""));
      if (truth.args !== null) expect(exec.args).toEqual(exec.args_truncated ? cutLike(truth.args, exec) : truth.args);
    }
  });

  test.each([
    ["args-none", [""]],
    ["args-one", ["only"]],
    ["args-empty-last", ["leaf", "a", ""]],
    ["args-empty-middle", ["leaf", "", "", "b"]],
    ["args-newlines", ["leaf", "two\nlines\r\n", "\n", "tab\there"]],
    ["args-controls", ["leaf", "\x1b[31mred\x1b[0m\x07", "\x01\x1f\x7f", "\u009b"]],
    ["args-not-utf-8", ["leaf", "\ufffd\ufffd", "a\ufffd", "\ufffd\ufffd\ufffdz", "\ufffd", "\ufffd\ufffd"]],
  ])("%s: the arguments are %j", (name, args) => {
    const decoded = new Decoded(name);
    const exec = decoded.exec("executed");
    expect([exec.args, exec.args_truncated]).toEqual([args, false]);
    expect(decoded.story("executed").exit.args).toEqual(args);
  });

  test("of 5,000 arguments the first are recorded, with the mark", () => {
    const { args, args_truncated } = new Decoded("args-many").exec("executed");
    expect(args_truncated).toBe(true);
    const whole = args?.slice(0, -1) ?? [];
    expect(whole).toEqual(whole.map((_, i) => String(i)));
    // The arguments have the requested length, independent of the path.
    const bytes = whole.reduce((sum, arg) => sum + arg.length + 1, 0) + (args?.at(-1)?.length ?? 0);
    expect(1024 - bytes).toBeLessThanOrEqual(1);
  });

  test("an argument that is longer than the room is recorded as its beginning, with the mark", () => {
    const { args, args_truncated } = new Decoded("args-long").exec("executed");
    expect(args_truncated).toBe(true);
    expect(args?.length).toBe(2);
    expect(args?.[1]).toMatch(/^x{900,1024}$/);
  });

  test("an executable without a path has the path memfd:NAME", () => {
    const { exe, args, comm } = new Decoded("memfd").exec("executed");
    expect([exe, args]).toEqual(["/memfd:no path", ["from memory", "x"]]);
    expect(comm).not.toBe("");
  });

  test("a script has the path of its interpreter", () => {
    const decoded = new Decoded("path-script");
    const { exe, args, comm } = decoded.exec("executed");
    expect(exe).toMatch(/^\/(usr\/)?bin\/[a-z]+$/);
    expect(args).toEqual(["/bin/sh", "-e", `${decoded.recording.directory}/script.sh`]);
    expect(comm).toBe("script.sh");
  });

  test("a path with names of the maximum length is whole", () => {
    const decoded = new Decoded("path-long-names");
    const { exe, args } = decoded.exec("executed");
    expect(exe).toBe(`${decoded.recording.directory}/${"x".repeat(255)}/${"y".repeat(255)}/leaf`);
    expect(args).toEqual(["leaf", "argument"]);
  });

  test("a path of 20 directories is whole", () => {
    const deep = new Decoded("path-20-deep");
    const directories = Array.from({ length: 20 }, (_, i) => `d${i}`).join("/");
    expect(deep.exec("executed").exe).toBe(`${deep.recording.directory}/${directories}/leaf`);
  });

  test("a path that is longer than the room has its last 256 bytes, the mark, and all arguments", () => {
    const { exe, exe_truncated, args, args_truncated } = new Decoded("path-too-long").exec("executed");
    expect(exe).toMatch(/^.{251}\/leaf$/);
    expect([exe_truncated, args, args_truncated]).toEqual([true, ["leaf", "argument"], false]);
  });

  test("old_comm of an exec is the name that the process gave itself", () => {
    for (const name of ["renamed", "tracepoint-renamed"]) {
      const { old_comm, comm } = new Decoded(name).exec("executed");
      expect([old_comm, comm]).toEqual(["a\nb\x1b", "leaf"]);
    }
  });

  test.each([
    ["signal-kill", "signal", "SIGKILL", false],
    ["signal-real-time", "signal", "SIGRTMIN+3", false],
    ["segv", "segv", "SIGSEGV", false],
    ["segv-core", "segv", "SIGSEGV", true],
  ])("%s", (name, label, signal, core_dumped) => {
    const { exit } = new Decoded(name).story(label);
    expect(exit).toMatchObject({ signal, core_dumped, exit_code: null });
  });

  test("the recorded exit codes are 0, 1 and 255", () => {
    const decoded = new Decoded("exit-codes");
    const codes = [0, 1, 255].map((code) => decoded.story(`exit-${code}`).exit.exit_code);
    expect(codes).toEqual([0, 1, 255]);
  });

  test("threads have no events, and their CPU time counts for their process", () => {
    const { events, truths } = new Decoded("threads");
    expect(events.filter(({ type }) => type === "fork").length).toBe(2);
    const { exit } = storyOf(events, truths.reaped("threaded"));
    // Four threads used two milliseconds each.
    expect(Number((exit.cpu_user_ns ?? 0n) + (exit.cpu_system_ns ?? 0n))).toBeGreaterThan(8e6);
  });

  test("an exec by a thread that is not the leader keeps the process", () => {
    const decoded = new Decoded("thread-exec");
    const executed = decoded.events.filter((event): event is ExecEvent => event.type === "exec").at(-1);
    expect(executed?.args?.[0]).toContain("leaf");
    expect(storyOf(decoded.events, decoded.truths.self("leaf")).execs).toEqual(executed ? [executed] : []);
  });

  test("recordings of classic tracepoints have the fields that these provide, and null for others", () => {
    for (const name of names.filter((one) => one.startsWith("tracepoint"))) {
      const { events, truths } = new Decoded(name);
      for (const truth of truths.everyReaped()) {
        const { fork, execs, exit } = storyOf(events, truth);
        expect(fork).toMatchObject({ ppid: truth.ppid, uid: truth.uid, gid: truth.gid, start_ns: null });
        expect(fork).not.toHaveProperty("ns_pid");
        expect(exit).toMatchObject({
          exit_code: null,
          signal: null,
          core_dumped: null,
          peak_rss_bytes: null,
          args: null,
        });
        expect(exit).toMatchObject({ comm: truth.comm, cpu_user_ns: null, minor_faults: null, read_bytes: null });
        expect(exit.duration_ns).toBe(exit.ts_ns - fork.ts_ns);
        for (const exec of execs) expect(exec).toMatchObject({ args: null, args_truncated: null, start_ns: null });
      }
    }
    const args = new Decoded("tracepoint-args");
    expect(args.exec("executed").exe).toBe(args.recording.args[0] as string);
  });

  test("args_truncated of an event equals the flag of its record", () => {
    for (const name of ofBtf) {
      for (const [i, { hex }] of loadRecording(name).records.entries()) {
        const event = new Decoded(name).events[i];
        if (event?.type !== "exec") continue;
        const flags = Buffer.from(hex, "hex").readUInt32LE(PROCESS_EVENT.known);
        expect(event.args_truncated).toBe((flags & ARGS_CUT) !== 0);
      }
    }
  });
});
