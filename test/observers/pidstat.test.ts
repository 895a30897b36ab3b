import { expect, test } from "bun:test";
import { newTally } from "../../src/observers/observer.ts";
import { parsePidstat } from "../../src/observers/pidstat.ts";
import { argsOf, ODD, oddSeen, parseFixture, recordedPids } from "./fixtures.ts";

test("real listings and averages have every process, with newlines in its arguments", () => {
  const pids = recordedPids("pidstat.pids");
  const { sightings, tally } = parseFixture("pidstat.txt", parsePidstat);
  expect(oddSeen(sightings, pids)).toEqual(ODD);
  expect(tally).toMatchObject({ records: 24, listings: 2, unparsed: 0 });
  expect(argsOf(sightings, pids, "nonce-newline")).toMatch(/\/new\nline -e .* nonce-newline line\nbreak tab\there$/);
});

test("rows of older versions without %wait are parsed", () => {
  const tally = newTally();
  const lines = [
    "Linux 4.18.0 (host)  01/01/26  _x86_64_  (2 CPU)",
    "",
    "02:40:18 PM   UID       PID    %usr %system  %guest    %CPU   CPU  Command",
    "02:40:19 PM     0        12    0.00    1.00    0.00    1.00     1  sh -c 1.00 2",
  ];
  expect([...parsePidstat(lines, tally)]).toEqual([{ pid: 12, what: "listed", args: "sh -c 1.00 2" }]);
  expect(tally).toMatchObject({ listings: 1, unparsed: 0 });
});
