import { expect, test } from "bun:test";
import { newTally } from "../../src/observers/observer.ts";
import { parsePsDiffs, parsePsRow } from "../../src/observers/ps.ts";
import { parsePsLog } from "../../src/observers/ps-log.ts";
import { argsOf, ODD, oddSeen, parseFixture, recordedPids } from "./fixtures.ts";

const pids = recordedPids("ps.pids");

test("differences of real listings contain all new processes", () => {
  const { sightings, tally } = parseFixture("ps.diffs", parsePsDiffs);
  expect(oddSeen(sightings, pids)).toEqual(ODD);
  expect(tally).toMatchObject({ listings: 2, unparsed: 0, cutLines: 0 });
});

test("a real log contains these processes in each listing", () => {
  const { sightings, tally } = parseFixture("ps.log", parsePsLog);
  expect(oddSeen(sightings, pids)).toEqual(ODD);
  expect(tally).toEqual({ records: 16, listings: 2, unparsed: 0, cutLines: 0, lost: 0 });
  expect(argsOf(sightings, pids, "nonce-paren")).toMatch(/pa\(r\) en\) -e .* nonce-paren \(a\) b\) \) R 1 \($/);
  // ps replaces a newline, a tab and bytes that are not ASCII.
  expect(argsOf(sightings, pids, "nonce-newline")).toMatch(/new line -e .* nonce-newline line break tab\.here$/);
  expect(argsOf(sightings, pids, "nonce-bytes")).toMatch(/by\?te\? -e .* nonce-bytes \?\?\? caf\?\?$/);
});

test("rows with any kind of user, tty, start day and long CPU time are parsed", () => {
  expect(parsePsRow("postgres     1  0.0  0.1  46604 16020 ?        S<Ll Nov21   0:02 /sbin/init")).toEqual({
    user: "postgres",
    pid: 1,
    command: "/sbin/init",
  });
  expect(
    parsePsRow("root 4194304 99.9 12.5 1234567 234567 pts/12 R+ 2025 1234:56 [kworker/0:0H-events]"),
  ).toMatchObject({
    pid: 4194304,
    command: "[kworker/0:0H-events]",
  });
  expect(parsePsRow("a b          9  0.0  0.1  46604 16020 ?        S    14:21   0:02 ")).toEqual({
    user: "a b",
    pid: 9,
    command: "",
  });
  expect(parsePsRow("USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND")).toBeNull();
});

test("removed rows and marks of diff are no sightings, and other lines count as unparsed", () => {
  const tally = newTally();
  const row = "root         5  0.0  0.0      0     0 ?        I<   14:21   0:00 [x]";
  const lines = ["# listing", "3,4d2", `< ${row}`, "5c5", `< ${row}`, "---", `> ${row}`, "> half a row", "sh: no diff"];
  expect([...parsePsDiffs(lines, tally)]).toEqual([{ pid: 5, what: "listed", args: "[x]" }]);
  expect(tally).toMatchObject({ listings: 1, records: 1, unparsed: 2 });
});
