import { expect, test } from "bun:test";
import { newTally } from "../../src/observers/observer.ts";
import { parseTop } from "../../src/observers/top.ts";
import { argsOf, ODD, oddSeen, parseFixture, recordedPids } from "./fixtures.ts";

test("real frames have every process, with its arguments", () => {
  const pids = recordedPids("ps.pids");
  const { sightings, tally } = parseFixture("top.txt", parseTop);
  expect(oddSeen(sightings, pids)).toEqual(ODD);
  expect(tally).toEqual({ records: 16, listings: 2, unparsed: 0, cutLines: 0, lost: 0 });
  expect(argsOf(sightings, pids, "nonce-space")).toMatch(/sp ace -e .* nonce-space two words {3}lead$/);
});

test("columns are found by their header, and blanks before a command are kept", () => {
  const tally = newTally();
  const lines = ["top - 1", "Tasks: 2", "", "    PID S COMMAND", "      7 S   a b", "half", "x y z"];
  expect([...parseTop(lines, tally)]).toEqual([{ pid: 7, what: "listed", args: "  a b" }]);
  expect(tally).toMatchObject({ records: 1, listings: 1, unparsed: 2 });
});

test("a process with an empty command line is listed with empty arguments", () => {
  const tally = newTally();
  expect([...parseTop(["top - 1", "  PID S COMMAND", "    7 S", "    8"], tally)]).toEqual([
    { pid: 7, what: "listed", args: "" },
  ]);
  expect(tally).toMatchObject({ records: 1, unparsed: 1 });
});
