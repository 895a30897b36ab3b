import { expect, test } from "bun:test";
import { parseForkstat } from "../../src/observers/forkstat.ts";
import { newTally } from "../../src/observers/observer.ts";
import { argsOf, ODD, oddSeen, parseFixture, recordedPids } from "./fixtures.ts";

test("a real table has every process, with its arguments at its end", () => {
  const pids = recordedPids("forkstat.pids");
  const { sightings, tally } = parseFixture("forkstat.txt", parseForkstat);
  expect(oddSeen(sightings, pids)).toEqual(ODD);
  expect(tally.unparsed).toBe(0);
  const ends = sightings.filter(({ what }) => what === "exit");
  expect(argsOf(ends, pids, "nonce-quote")).toMatch(
    /^\/tmp\/\S+\/quote -e .* nonce-quote a"b it's back\\slash {2}k=v w > 1 x $/,
  );
});

test("a process that forkstat no longer found in /proc has no arguments", () => {
  const lines = [
    "something else",
    "Time     Event   PID Info   Duration Process",
    "14:40:25 fork      1 parent          [swapper]",
    "14:40:25 fork  22415 child           <unknown>",
    "14:40:25 exec  22415                 <unknown>",
    "14:40:25 exit  22415      0  unknown <unknown>",
    "14:40:22 exit  22396      0   0.4294967039s mount -a",
    "14:40:22 exit  22397      1   0.1s (a) b",
    "Time     Event   PID Info   Duration Process",
    "c",
  ];
  const tally = newTally();
  expect([...parseForkstat(lines, tally)]).toEqual([
    { pid: 22415, what: "fork" },
    { pid: 22415, what: "exec" },
    { pid: 22415, what: "exit" },
    { pid: 22396, what: "exit", args: "mount -a" },
    { pid: 22397, what: "exit", args: "(a) b\nc" },
  ]);
  expect(tally).toMatchObject({ records: 5, unparsed: 1 });
});
