import { expect, test } from "bun:test";
import { newTally, type Sighting } from "../../src/observers/observer.ts";
import { parseStrace, unescapeC } from "../../src/observers/strace-log.ts";
import { argsOf, ODD, oddSeen, parseFixture, recordedPids } from "./fixtures.ts";

const pids = recordedPids("strace.pids");
const { sightings, tally } = parseFixture("strace.txt", parseStrace);

function parse(...lines: string[]): Sighting[] {
  return [...parseStrace(lines, newTally())];
}

test("a real log has every process, with its exact arguments", () => {
  expect(oddSeen(sightings, pids)).toEqual(ODD);
  expect(tally).toMatchObject({ unparsed: 0, cutLines: 0 });
  const tail = (nonce: string) => (argsOf(sightings, pids, nonce) as string[]).slice(4);
  expect(tail("nonce-newline")).toEqual(["nonce-newline", "line\nbreak", "tab\there"]);
  expect(tail("nonce-bytes")).toEqual(["nonce-bytes", "\xff\xfe\x80", "caf\xc3\xa9"]);
  expect(tail("nonce-quote")).toEqual(["nonce-quote", 'a"b', "it's", "back\\slash", "", "k=v w", "> 1 x"]);
  expect(tail("nonce-control")).toEqual(["nonce-control", "bell\x07\x7f"]);
  expect(tail("nonce-paren")).toEqual(["nonce-paren", "(a) b)", ") R 1 ("]);
  // strace cuts the 300 digits at its string limit.
  expect(tail("nonce-long")[1]).toHaveLength(256);
});

test("an exec by another thread and an exec by descriptor count for the process; a failed exec does not", () => {
  expect(argsOf(sightings, pids, "nonce-thread")).toEqual(["true", "nonce-thread"]);
  expect(argsOf(sightings, pids, "nonce-descriptor")).toEqual(["true", "nonce-descriptor"]);
  expect(sightings.some(({ args }) => args?.includes("nonce-missing"))).toBe(false);
});

test("forks and ends are reported, threads are not", () => {
  const killed = pids.get("nonce-killed");
  expect(sightings.filter(({ pid }) => pid === killed).map(({ what }) => what)).toEqual(["fork", "exec", "exit"]);
  expect(parse("7 clone3({flags=CLONE_VM|CLONE_THREAD, exit_signal=0}, 88) = 9", "7 vfork() = 8")).toEqual([
    { pid: 8, what: "fork" },
  ]);
});

test("the two halves of a call are joined, also with other calls between", () => {
  const lines = [
    '7 execve("/a", ["a", "n1"], 0x1 /* 2 vars */ <unfinished ...>',
    '8 execve("/b", ["b", "n2"], 0x1 /* 2 vars */ <unfinished ...>',
    "7 <... execve resumed>) = 0",
    "8 <... execve resumed>) = -1 EACCES (Permission denied)",
    "9 <... wait4 resumed>) = 7",
  ];
  expect(parse(...lines)).toEqual([{ pid: 7, what: "exec", args: ["a", "n1"] }]);
});

test("strings may contain text that looks like the end of a list or call", () => {
  const line = '7 execve("/x[\\"", ["]", "a\\\\", "] = 0", "<unfinished ...>"], 0x1 /* 2 vars */) = 0';
  expect(parse(line)).toEqual([{ pid: 7, what: "exec", args: ["]", "a\\", "] = 0", "<unfinished ...>"] }]);
});

test("incomplete lines of a truncated log count as unparsed", () => {
  const cut = newTally();
  expect([...parseStrace(['7 execve("/a", ["a"', "garbage", "7"], cut)]).toEqual([]);
  expect(cut.unparsed).toBe(2);
});

test("unescapeC decodes the escapes of C strings", () => {
  expect(unescapeC('\\0\\33[\\177\\377\\1234\\x41\\n\\t\\"\\\\')).toBe('\0\x1b[\x7f\xff\x534A\n\t"\\');
});
