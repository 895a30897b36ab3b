import { expect, test } from "bun:test";
import { newTally } from "../../src/observers/observer.ts";
import { parseProcScan } from "../../src/observers/proc-scan.ts";
import { parseStat } from "../../src/procfs/proc-scanner.ts";

test("lines of the worker become sightings with arguments and start", () => {
  const tally = newTally();
  const lines = [
    '{"listing":2}',
    '{"pid":7,"start_ticks":123,"args":["a b","\xff\\n"]}',
    '{"listing":2}',
    '{"pid":8,"start_ti',
    "{}",
    "null",
  ];
  expect([...parseProcScan(lines, tally)]).toEqual([
    { pid: 7, what: "listed", args: ["a b", "\xff\n"], startNs: 1_230_000_000n, startGridNs: 10_000_000n },
  ]);
  expect(tally).toMatchObject({ records: 1, listings: 2, unparsed: 3 });
});

test("the numbers of /proc/PID/stat are read correctly for any process name", () => {
  const numbers =
    "1 31535 31535 0 -1 4194304 230 0 1 0 11 22 0 0 20 0 1 0 987654 8069120 1216 18446744073709551615 1 2 140736000000123 4 5 6";
  for (const name of ["sleep", "a b", ") R 1 (", "new\nline", "\xff\xfe"]) {
    const bytes = Buffer.from(`77 (${name}) S ${numbers}\n`, "latin1");
    const into = nothingOf(77);
    expect(parseStat(bytes, bytes.length, into)).toBe(true);
    expect(into).toEqual({
      pid: 77,
      startTicks: 987654,
      cpuTicks: 33,
      userTicks: 11,
      rssPages: 1216,
      ppid: 1,
      threads: 1,
      isZombie: false,
      startStack: 140736000000123,
    });
  }
  expect(parseStat(Buffer.from("77 (half"), 8, nothingOf(77))).toBe(false);
});

test("states Z and X mark a main thread that has ended", () => {
  const rest = "1 2 2 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 5 0 0 0 0 0 140736000000123 0";
  for (const [state, isZombie] of [
    ["Z", true],
    ["X", true],
    ["R", false],
  ] as const) {
    const into = nothingOf(9);
    const bytes = Buffer.from(`9 (x) ${state} ${rest}\n`);
    expect(parseStat(bytes, bytes.length, into)).toBe(true);
    expect(into).toMatchObject({ isZombie, threads: 3 });
  }
});

function nothingOf(pid: number): Parameters<typeof parseStat>[2] {
  return {
    pid,
    startTicks: 0,
    cpuTicks: 0,
    userTicks: 0,
    rssPages: 0,
    ppid: 0,
    threads: 0,
    isZombie: false,
    startStack: 0,
  };
}
