import { expect, test } from "bun:test";
import { parseExecsnoop } from "../../src/observers/execsnoop.ts";
import { newTally } from "../../src/observers/observer.ts";
import { argsOf, ODD, oddSeen, parseFixture, recordedPids } from "./fixtures.ts";

test("a real table has every process, with newlines in its arguments", () => {
  const pids = recordedPids("execsnoop.pids");
  const { sightings, tally } = parseFixture("execsnoop.txt", parseExecsnoop);
  expect(oddSeen(sightings, pids)).toEqual(ODD);
  expect(tally).toEqual({ records: 8, listings: 0, unparsed: 0, cutLines: 0, lost: 0 });
  expect(argsOf(sightings, pids, "nonce-newline")).toMatch(/\/new\nline -e .* nonce-newline line\nbreak tab\there $/);
  expect(argsOf(sightings, pids, "nonce-bytes")).toContain("nonce-bytes \xff\xfe\x80 caf\xc3\xa9");
});

test("lost events are counted, and names may contain blanks and digits", () => {
  const tally = newTally();
  const lines = [
    "PCOMM            PID    PPID   RET ARGS",
    "a 1 2 b          7      1        0 /a n7 ",
    "Lost 12 events on CPU #1!",
    "c                8      1       -2 /c",
  ];
  expect([...parseExecsnoop(lines, tally)]).toEqual([
    { pid: 7, what: "exec", args: "/a n7 " },
    { pid: 8, what: "exec", args: "/c" },
  ]);
  expect(tally.lost).toBe(12);
});

test("the arguments of a record without end are bounded", () => {
  const lines = ["a 7 1 0 x", ...Array.from({ length: 5000 }, () => "y".repeat(100))];
  const [record] = [...parseExecsnoop(lines, newTally())];
  expect(record?.pid).toBe(7);
  expect(String(record?.args).length).toBeLessThanOrEqual(64 * 1024 + 100);
});
