import { describe, expect, test } from "bun:test";
import { NS_PER_CLOCK_TICK, parseProcStat, readProcIds, readProcStat } from "../../src/procfs/proc-stat.ts";

const TAIL =
  "S 7 100 100 0 -1 4194304 200 300 0 0 12 34 56 78 20 0 3 0 98765 1000000 250 18446744073709551615 0 0 0 0 0 0 0 0 0";

describe("parseProcStat", () => {
  test("reads the fields of proc_pid_stat(5)", () => {
    expect(parseProcStat(`42 (bash) ${TAIL}`)).toEqual({
      pid: 42,
      comm: "bash",
      state: "S",
      ppid: 7,
      isKernelThread: false,
      utimeTicks: 12,
      stimeTicks: 34,
      cutimeTicks: 56,
      cstimeTicks: 78,
      threads: 3,
      startTicks: 98765,
    });
  });

  test("accepts names with parentheses, spaces and line breaks", () => {
    for (const comm of ["a) R 1 (b", "()", "", "x\ny", ") S 1 1"]) {
      expect(parseProcStat(`42 (${comm}) ${TAIL}`)).toMatchObject({ comm, ppid: 7, startTicks: 98765 });
    }
  });

  test("returns null for other text", () => {
    for (const line of ["", "42 bash S 1", "x (y) S", "42 (bash"]) expect(parseProcStat(line)).toBeNull();
  });
});

test("readProcStat reads a real process, and returns null if it does not exist", () => {
  expect(readProcStat(process.pid)).toMatchObject({ pid: process.pid, ppid: process.ppid });
  expect(readProcStat(2 ** 30)).toBeNull();
});

test("readProcIds reads real and effective user and group, and returns null without a process", () => {
  const [uid, gid] = [process.getuid?.() ?? -1, process.getgid?.() ?? -1];
  const [euid, egid] = [process.geteuid?.() ?? -1, process.getegid?.() ?? -1];
  expect(readProcIds(process.pid)).toEqual({ uid, gid, euid, egid });
  expect(readProcIds(2 ** 30)).toBeNull();
});

test("the length of a clock tick agrees with getconf", () => {
  const getconf = Bun.spawnSync(["getconf", "CLK_TCK"]).stdout.toString().trim();
  expect(1e9 / Number(getconf)).toBe(NS_PER_CLOCK_TICK);
});

test("a kernel thread is recognised by its flags", () => {
  expect(parseProcStat("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 3 0 0 20 0 1 0 1 0 0 0")?.isKernelThread).toBe(
    true,
  );
  expect(readProcStat(process.pid)?.isKernelThread).toBe(false);
});
