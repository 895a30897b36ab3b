import { describe, expect, test } from "bun:test";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { durationText, type PrettyOptions, PrettySink } from "../../src/sinks/pretty.ts";
import { Prng } from "../../src/stats/prng.ts";
import { noSamples } from "../../src/wire/counters.ts";
import { ARGS_CUT, KNOWN_ARGS, KNOWN_EXE, KNOWN_STATUS } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import {
  argumentBytes,
  EXEC_KNOWN,
  type Exec,
  execRecord,
  exitRecord,
  forkRecord,
  pathComponents,
} from "../wire/make-record.ts";
import { outputText } from "./output-text.ts";
import { randomRecord } from "./random-record.ts";
import { SUMMARY } from "./summary.ts";

/** 2026-09-21T14:13:20Z. */
const BOOT_NS = 1_790_000_000_000_000_000n;
const NO_TERMINAL: PrettyOptions = { color: false, width: () => 0 };
const HEADING = "TIME            TYPE      PID     PPID    UID COMMAND";
const SGR = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");

/** Lines that a sink writes for the records, without the heading. */
function lines(options: PrettyOptions, ...records: Uint8Array[]): string[] {
  const view = new EventView(new ProcessTable({ lingerNs: 1e9 }), new WallClock(BOOT_NS));
  const text = outputText((output) => {
    const sink = new PrettySink(output, options);
    for (const record of records) {
      view.accept(recordIn(record));
      sink.write(view);
    }
    sink.flush();
  });
  expect(text.endsWith("\n")).toBe(true);
  return text.slice(0, -1).split("\n").slice(1);
}

function exec(fields: Omit<Exec, "exe" | "args"> & { exe?: string; args: string[] }): Uint8Array {
  const exe = pathComponents(fields.exe ?? fields.args[0] ?? "");
  return execRecord({ ...fields, exe, args: argumentBytes(...fields.args) });
}

const TS = { ts_ns: 65_432_109_876n };

describe("lines", () => {
  test("have columns under their heading, one line for each event", () => {
    const identity = { pid: 4242, start_ns: 65_000_000_000n, ppid: 1, uid: 1000, ts_ns: 65_432_109_876n };
    const found = lines(
      NO_TERMINAL,
      forkRecord({ ...identity, comm: "sh" }),
      exec({ ...identity, comm: "sleep", exe: "/usr/bin/sleep", args: ["sleep", "0.1"] }),
      exitRecord({ ...identity, comm: "sleep", runtime_ns: 1_234_567, peak_rss_bytes: 3 * 2 ** 20 }),
    );
    expect([HEADING, ...found]).toEqual([
      "TIME            TYPE      PID     PPID    UID COMMAND",
      "14:14:25.432109 fork     4242        1   1000 sh",
      "14:14:25.432109 exec     4242        1   1000 sleep 0.1  [/usr/bin/sleep]",
      "14:14:25.432109 exit     4242        1   1000 sleep  code 0  after 432.1 ms  cpu 1.2 ms  peak 3.0 MiB",
    ]);
  });

  test.each([
    [0, "code 0"],
    [3 << 8, "code 3"],
    [9, "killed by SIGKILL"],
    [11 | 0x80, "killed by SIGSEGV (core dumped)"],
  ])("show the end by wait status %i as %s", (status, text) => {
    const [line] = lines(NO_TERMINAL, exitRecord({ ...TS, pid: 1, comm: "x", status, known: KNOWN_STATUS, flags: 0 }));
    expect(line).toBe(`14:14:25.432109 exit        1        ?      0 x  ${text}`);
  });

  test("leave out unknown values, and have ? for an unknown parent", () => {
    expect(lines(NO_TERMINAL, exitRecord({ ...TS, pid: 7, comm: "x", known: 0, flags: 0 }))).toEqual([
      "14:14:25.432109 exit        7        ?      0 x",
    ]);
    expect(lines(NO_TERMINAL, execRecord({ ...TS, pid: 7, comm: "x", flags: 0 }))).toEqual([
      "14:14:25.432109 exec        7        ?      0 x",
    ]);
  });

  test.each([
    ["no path beside the command if the command is the path", EXEC_KNOWN, "/bin/true", ["/bin/true"], "/bin/true"],
    ["the path if the command does not contain it", EXEC_KNOWN, "/tmp/x", ["sshd: a b"], "'sshd: a b'  [/tmp/x]"],
    ["the path alone", EXEC_KNOWN & ~KNOWN_ARGS, "/bin/true", ["x"], "/bin/true"],
    ["the arguments alone", EXEC_KNOWN & ~KNOWN_EXE, "/bin/true", ["x", "y"], "x y"],
    ["the mark of cut arguments", EXEC_KNOWN | ARGS_CUT, "/bin/x", ["/bin/x", "ab"], "/bin/x ab …"],
    ["an empty argument", EXEC_KNOWN, "/bin/x", ["/bin/x", ""], "/bin/x ''"],
    ["control characters", EXEC_KNOWN, "/b\x1b[2Jx", ["a\nb\u202e"], "'a\\nb\\u202e'  [/b\\e[2Jx]"],
  ])("of an exec show %s", (_, flags, exe, args, text) => {
    const [line] = lines(NO_TERMINAL, exec({ ...TS, pid: 1, flags, comm: "x", exe, args }));
    expect(line?.slice(HEADING.indexOf("COMMAND"))).toBe(text);
  });

  test("are indented by the depth of the process in the tree, up to a bound", () => {
    const records = [forkRecord({ pid: 1, start_ns: 1n, comm: "init" })];
    for (let pid = 100; pid < 120; pid++) {
      records.push(forkRecord({ pid, ppid: pid === 100 ? 1 : pid - 1, start_ns: BigInt(pid), comm: `p${pid}` }));
    }
    const depths = lines(NO_TERMINAL, ...records).map((line) => line.search(/[a-z]\w*$/) - HEADING.indexOf("COMMAND"));
    expect(depths).toEqual([0, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 24, 24, 24, 24, 24, 24, 24]);
  });

  test("are written also if the parents form a circle", () => {
    const found = lines(
      NO_TERMINAL,
      forkRecord({ pid: 50, ppid: 51, start_ns: 1n, comm: "a" }),
      forkRecord({ pid: 51, ppid: 50, start_ns: 2n, comm: "b" }),
    );
    expect(found.length).toBe(2);
  });

  test("keep their columns for the largest pid of a kernel and usual uids", () => {
    const pid = 4_194_304;
    for (const uid of [0, 65_534, 999_999]) {
      const [line] = lines(NO_TERMINAL, forkRecord({ ...TS, pid, ppid: pid - 1, uid, comm: "x" }));
      expect(line?.indexOf("x")).toBe(HEADING.indexOf("COMMAND"));
    }
  });
});

describe("a terminal", () => {
  const args = ["/bin/echo", "漢字".repeat(100)];

  test("gets no line wider than itself", () => {
    const prng = new Prng(3);
    const records = Array.from({ length: 400 }, () => randomRecord(prng));
    for (const width of [64, 80, 81, 200]) {
      for (const line of lines({ color: false, width: () => width }, ...records)) {
        // Numbers wider than their columns move the command to the right, which always has at least 16 columns.
        const columns = Math.max(width, (/^\S+ \w+ +\d+ +\S+ +\d+ /.exec(line)?.[0].length ?? 0) + 16);
        expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
      }
    }
  });

  test("gets lines that are cut between characters, also wide and long characters", () => {
    for (let width = 64; width < 100; width++) {
      const [wide] = lines({ color: false, width: () => width }, exec({ ...TS, pid: 1, comm: "x", args }));
      expect(wide?.endsWith("…")).toBe(true);
      expect(Bun.stringWidth(wide ?? "")).toBeGreaterThanOrEqual(width - 1);
      const [long] = lines(
        { color: false, width: () => width },
        exec({ ...TS, pid: 1, args: ["/x", "😀".repeat(100)] }),
      );
      expect(long).not.toContain("\ufffd");
      expect(Bun.stringWidth(long ?? "")).toBeLessThanOrEqual(width);
    }
  });

  test("that is narrow has fewer columns, so that the command can be read", () => {
    const record = exec({ ...TS, pid: 11399, ppid: 11206, uid: 1000, args: ["/usr/bin/rsync", "--archive", "/srv"] });
    const at = (width: number) => lines({ color: false, width: () => width }, record)[0];
    const all = at(80);
    expect(all).toMatch(/^\d\d:\d\d:\d\d\.\d{6} exec {4}11399 {4}11206 {3}1000 \/usr\/bin\/rsync --archive \/srv$/);
    expect(at(79)).toMatch(/^\d\d:\d\d:\d\d\.\d{6} exec {4}11399 {4}11206 \/usr\/bin\/rsync --archive/);
    expect(at(69)).toMatch(/^\d\d:\d\d:\d\d\.\d{6} exec {4}11399 \/usr\/bin\/rsync --archive/);
    expect(at(59)).toMatch(/^\d\d:\d\d:\d\d exec {4}11399 \/usr\/bin\/rsync --archive/);
    expect(at(40)).toBe("exec    11399 /usr/bin/rsync --archive …");
  });

  test("that is resized gets the next lines in the new width, with a new heading if the columns change", () => {
    let width = 0;
    const view = new EventView(new ProcessTable({ lingerNs: 1e9 }), new WallClock(BOOT_NS));
    const text = outputText((output) => {
      width = 200;
      const sink = new PrettySink(output, { color: false, width: () => width });
      for (width of [200, 80, 300, 40]) {
        view.accept(recordIn(exec({ ...TS, pid: 1, args: ["/bin/true", "A".repeat(300)] })));
        sink.write(view);
        sink.flush();
      }
    });
    const found = text.slice(0, -1).split("\n");
    expect(found.map((line) => line.length)).toEqual([
      HEADING.length,
      200,
      80,
      300,
      "TYPE      PID COMMAND".length,
      40,
    ]);
  });

  test("that is very narrow still shows a piece of the command", () => {
    const [line] = lines(
      { color: false, width: () => 20 },
      exec({ ...TS, pid: 1, args: ["/bin/a-long-command-name"] }),
    );
    expect(line?.slice(14)).toBe("/bin/a-long-com…");
  });

  test("gets the type in a colour, failures in another colour, and the command without colour", () => {
    const color = { color: true, width: () => 0 };
    const found = lines(
      color,
      forkRecord({ pid: 1, comm: "x" }),
      exec({ pid: 1, args: ["x"] }),
      exitRecord({ pid: 1, comm: "x" }),
      exitRecord({ pid: 2, comm: "x", status: 1 << 8 }),
      exitRecord({ pid: 3, comm: "x", status: 9 }),
      exitRecord({ pid: 4, comm: "x", known: 0 }),
    );
    const colors = found.map((line) => line.match(SGR));
    const [blue, green, yellow, red, reset] = ["\x1b[34m", "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m"];
    expect(colors).toEqual([
      [blue, reset],
      [green, reset],
      [yellow, reset],
      [red, reset],
      [red, reset],
      [yellow, reset],
    ] as RegExpMatchArray[]);
    for (const line of found) expect(line.startsWith("\x1b")).toBe(true);
  });

  test("gets no control characters from processes", () => {
    const prng = new Prng(4);
    const records = Array.from({ length: 2000 }, () => randomRecord(prng));
    for (const line of lines({ color: true, width: () => 120 }, ...records)) {
      expect(line.replace(SGR, "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }
  });

  test("gets the same text with and without colours", () => {
    const prng = new Prng(5);
    const records = Array.from({ length: 300 }, () => randomRecord(prng));
    const plain = lines({ color: false, width: () => 100 }, ...records);
    expect(lines({ color: true, width: () => 100 }, ...records).map((line) => line.replace(SGR, ""))).toEqual(plain);
  });
});

describe("durationText", () => {
  test.each([
    [0, "0 ns"],
    [999, "999 ns"],
    [1000, "1 µs"],
    [999_499, "999 µs"],
    [999_500, "1.0 ms"],
    [1_000_000, "1.0 ms"],
    [123_456_789, "123.5 ms"],
    [999_949_999, "999.9 ms"],
    [999_950_000, "1.00 s"],
    [1_000_000_000, "1.00 s"],
    [59_994_000_000, "59.99 s"],
    [59_995_000_000, "0:01:00 h"],
    [60_000_000_000, "0:01:00 h"],
    [3_599_500_000_000, "1:00:00 h"],
    [90_061_000_000_000, "25:01:01 h"],
  ])("%i ns is %s", (ns, text) => {
    expect(durationText(ns)).toBe(text);
  });

  test("has one to three digits before the point, and is exact to its last digit", () => {
    const prng = new Prng(6);
    const units: { [unit: string]: number } = { ns: 1, µs: 1e3, ms: 1e6, s: 1e9 };
    for (let i = 0; i < 50_000; i++) {
      const ns = Math.floor(2 ** (prng.float() * Math.log2(59.99e9)));
      const [, digits = "", decimals = "", unit = ""] =
        /^(\d{1,3})(?:\.(\d+))? (ns|µs|ms|s)$/.exec(durationText(ns)) ?? [];
      const step = 10 ** -decimals.length;
      const shown = Number(`${digits}.${decimals}`) * (units[unit] ?? Number.NaN);
      if (!(Math.abs(shown - ns) <= 0.501 * step * (units[unit] ?? 0))) throw new Error(`${ns}: ${durationText(ns)}`);
    }
  });
});

test.each([
  ["ring_full", "its ring was full (see --ring-size)"],
  ["no_ring", "it came online without a ring, and the spare ring was full"],
] as const)("a lost event has a line with its reason: %s", (reason, why) => {
  const time = "2026-01-02T03:04:05.000000006Z";
  const loss = { type: "lost", time, ts_ns: 1n, cpu: 3, reason, count: 7 } as const;
  const text = outputText((output) => {
    const sink = new PrettySink(output, NO_TERMINAL);
    sink.notice(loss);
    sink.flush();
  });
  expect(text).toBe(`${HEADING}\n03:04:05.000000 lost 7 records of CPU 3: ${why}\n`);
});

test("a degraded event has a line", () => {
  const text = outputText((output) => {
    const sink = new PrettySink(output, NO_TERMINAL);
    const time = "2026-01-02T03:04:05.000000006Z";
    sink.notice({
      type: "degraded",
      time,
      ts_ns: 1n,
      step: "fewer_samples",
      level: 1,
      reason: "why",
      cost_pct: 2,
      budget_pct: 1,
    });
    sink.flush();
  });
  expect(text).toBe(`${HEADING}\n03:04:05.000000 budget, fewer_samples: why\n`);
});

test("a storm has a line with its source, and a line at its end with the counts by name", () => {
  const source = { pid: null, start_ns: null, cgroup_id: null, cgroup: null, uid: null, comm: null };
  const head = { type: "storm", time: "2026-01-02T03:04:05.000000006Z", ts_ns: 1n } as const;
  const nothing = { suppressed: null, exited: null, comms: null, window_ns: null };
  const cpu = { exited_cpu_user_ns: null, exited_cpu_system_ns: null };
  const text = outputText((output) => {
    const sink = new PrettySink(output, NO_TERMINAL);
    const process = { ...source, kind: "process" as const, pid: 7, comm: "sh\u001b" };
    sink.notice({ ...head, ...nothing, ...cpu, state: "begin", source: process });
    sink.notice({ ...head, ...nothing, ...cpu, state: "begin", source: { ...source, kind: "uid", uid: 1000 } });
    sink.notice({
      ...head,
      ...cpu,
      state: "end",
      source: { ...source, kind: "cgroup", cgroup: "/a.slice" },
      suppressed: { fork: 5, exec: 1, exit: 4 },
      exited: { ok: 4, error: 0, signal: 0, unknown: 0 },
      comms: ["a", "b", "c", "d"].map((comm, i) => ({ comm, count: 4 - i })),
      window_ns: 2.5e9,
    });
    sink.flush();
  });
  const at = "03:04:05.000000";
  expect(text.split("\n").slice(1)).toEqual([
    `${at} storm of process 7 (sh\\e): its events are counted instead of sent`,
    `${at} storm of user 1000: its events are counted instead of sent`,
    `${at} storm of cgroup /a.slice is over: fork 5, exec 1, exit 4 counted in 2.50 s; most of a 4, b 3, c 2`,
    "",
  ]);
});

describe("the summary", () => {
  const text = (summary = SUMMARY) => outputText((output) => new PrettySink(output, NO_TERMINAL).finish(summary));

  test("is printed below the events, with the counts, the losses and the cost", () => {
    expect(text()).toBe(
      `${HEADING}\n\n` +
        "10.3 s by the btf backend: fork 105, exec 107, exit 109\n" +
        "sent by the kernel: fork 105, exec 107, exit 109; received: fork 101, exec 102, exit 103\n" +
        "lost: 15 (fork 4, exec 5, exit 6)\n" +
        "cost: 30 ms CPU, 0.29 % of one core, start included; at most 31 MiB of memory\n",
    );
  });

  test("lists losses, filtered and suppressed events only if there are any", () => {
    const none = { fork: 0, exec: 0, exit: 0 };
    expect(text({ ...SUMMARY, lost: 0, lost_by_type: none })).toContain("lost: none\n");
    expect(text({ ...SUMMARY, lost_by_reason: { ring_full: 12, no_ring: 3 } })).toContain(
      "\nlost to full rings: 12; on CPUs without a ring: 3\n",
    );
    expect(text({ ...SUMMARY, filtered: { fork: 1, exec: 2, exit: 3 } })).toContain(
      "excluded by filters: fork 1, exec 2, exit 3\n",
    );
    expect(
      text({ ...SUMMARY, suppressed: { fork: 1, exec: 0, exit: 1 }, folded: { fork: 0, exec: 4, exit: 0 } }),
    ).toContain(
      "counted instead of sent, in storms: fork 1, exec 0, exit 1\nfolded into other records: fork 0, exec 4, exit 0\n",
    );
    const samples = { ...noSamples(), dropped_no_memory: 2, baseline_missing: 3, threads_not_summed: 4 };
    expect(text({ ...SUMMARY, samples })).toContain(
      "\nsamples not emitted: 2 because the kernel had no room for the figures of the process, " +
        "3 because the last figures of the process were gone\n" +
        "scans of threads that samples do not include: 4\n",
    );
    expect(text({ ...SUMMARY, samples: { ...noSamples(), dropped_output_full: 1 } })).toContain(
      "\nsamples not emitted: 1 because the output was full\n",
    );
    expect(text({ ...SUMMARY, unexplained_forks: 5 })).toContain(
      "\ncreated by the kernel and not seen: 5 processes or threads\n",
    );
    for (const unexplained_forks of [0, null]) {
      expect(text({ ...SUMMARY, unexplained_forks })).not.toContain("not seen");
    }
    expect(text()).not.toMatch(/filters|samples|without a ring/);
  });
});
