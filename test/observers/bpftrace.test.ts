import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BPFTRACE_PROGRAM, parseBpftrace } from "../../src/observers/bpftrace.ts";
import { newTally } from "../../src/observers/observer.ts";
import { argsOf, FIXTURES, ODD, oddSeen, parseFixture, recordedPids } from "./fixtures.ts";

test("the real output of our program has every process, with newlines in its arguments", () => {
  expect(BPFTRACE_PROGRAM.trim()).toBe(readFileSync(join(FIXTURES, "bpftrace-program.txt"), "utf8").trim());
  const pids = recordedPids("bpftrace.pids");
  const { sightings, tally } = parseFixture("bpftrace.txt", parseBpftrace);
  expect(oddSeen(sightings, pids)).toEqual(ODD);
  expect(tally).toMatchObject({ records: 23, unparsed: 0 });
  expect(argsOf(sightings, pids, "nonce-newline")).toMatch(/\/new\nline -e .* nonce-newline line\nbreak tab\there$/);
});

test("if output of two CPUs is mixed, a pid without arguments is dropped", () => {
  const tally = newTally();
  const lines = ["Attaching 4 probes...", "EXEC 7 EXEC 8 /b n8", "/a n7", "EXIT 8", "Lost 5 events", "stray"];
  expect([...parseBpftrace(lines, tally)]).toEqual([
    { pid: 8, what: "exec", args: "/b n8\n/a n7" },
    { pid: 8, what: "exit" },
  ]);
  expect(tally).toMatchObject({ lost: 5, unparsed: 1 });
});
