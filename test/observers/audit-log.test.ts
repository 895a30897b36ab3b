import { expect, test } from "bun:test";
import { decodeValue, parseAudit } from "../../src/observers/audit-log.ts";
import { newTally, type Sighting } from "../../src/observers/observer.ts";
import { argsOf, ODD, oddSeen, parseFixture, recordedPids } from "./fixtures.ts";

const pids = recordedPids("audit.pids");
const { sightings, tally } = parseFixture("audit.log", (lines, counts) => parseAudit(lines, counts, "fixture-key"));

function parse(lines: string[], key = "k"): Sighting[] {
  return [...parseAudit(lines, newTally(), key)];
}

test("a real log has every process, with its exact arguments", () => {
  expect(oddSeen(sightings, pids)).toEqual(ODD);
  expect(tally).toMatchObject({ unparsed: 0, cutLines: 0 });
  const tail = (nonce: string) => (argsOf(sightings, pids, nonce) as string[]).slice(4);
  expect(tail("nonce-space")).toEqual(["nonce-space", "two words", "  lead"]);
  expect(tail("nonce-newline")).toEqual(["nonce-newline", "line\nbreak", "tab\there"]);
  expect(tail("nonce-bytes")).toEqual(["nonce-bytes", "\xff\xfe\x80", "caf\xc3\xa9"]);
  expect(tail("nonce-quote")).toEqual(["nonce-quote", 'a"b', "it's", "back\\slash", "", "k=v w", "> 1 x"]);
  expect((argsOf(sightings, pids, "nonce-bytes") as string[])[0]).toEndWith("/by\xffte\xfe");
});

test("pieces of a long argument and arguments in several records are joined to one list", () => {
  expect(argsOf(sightings, pids, "nonce-piece")).toEqual(["/bin/true", "nonce-piece", "0".repeat(9000), "end of it"]);
  const many = argsOf(sightings, pids, "nonce-many") as string[];
  expect(many).toHaveLength(42);
  const longArg = /^(\d+)-a-rather-long-argument-.*-which-is-enough$/;
  expect(many.slice(2).map((arg) => Number(longArg.exec(arg)?.[1]))).toEqual(
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
});

test("an exec by a thread and an exec by descriptor count for the process", () => {
  expect(argsOf(sightings, pids, "nonce-thread")).toEqual(["true", "nonce-thread"]);
  expect(argsOf(sightings, pids, "nonce-descriptor")).toEqual(["true", "nonce-descriptor"]);
});

test("ends are reported, with the title of the process", () => {
  const ends = sightings.filter(({ what }) => what === "exit");
  expect(oddSeen(ends, pids)).toEqual(ODD);
});

test("records of other rules are skipped, and a record with several keys counts if one is ours", () => {
  expect([...parseFixture("audit.log", (lines, counts) => parseAudit(lines, counts, "other-key")).sightings]).toEqual(
    [],
  );
  const event = (keys: string) => [
    `type=SYSCALL msg=audit(1.0:1): arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid=7 uid=0 comm="a" ${keys}`,
    'type=EXECVE msg=audit(1.0:1): argc=1 a0="a"',
    "type=PROCTITLE msg=audit(1.0:1): proctitle=61",
  ];
  const both = Buffer.from("other\x01k").toString("hex").toUpperCase();
  expect(parse(event(`key=${both}`))).toEqual([{ pid: 7, what: "exec", args: ["a"] }]);
  expect(parse(event('key="kk"'))).toEqual([]);
  expect(parse(event("key=(null)"))).toEqual([]);
});

test("mixed records of simultaneous events are separated, and records of other types are skipped", () => {
  const lines = [
    'node=host type=SYSCALL msg=audit(1.0:1): syscall=59 success=yes ppid=1 pid=7 comm="a" key="k"\x1dARCH=x86_64',
    'node=host type=SYSCALL msg=audit(1.0:2): syscall=59 success=yes ppid=1 pid=8 comm="b" key="k"\x1dARCH=x86_64',
    'node=host type=EXECVE msg=audit(1.0:2): argc=1 a0="b"',
    'type=LOGIN msg=audit(1.0:3): pid=7 a0="no"',
    'node=host type=EXECVE msg=audit(1.0:1): argc=1 a0="a"',
    "node=host type=PROCTITLE msg=audit(1.0:2): proctitle=62",
    "node=host type=EOE msg=audit(1.0:1): ",
  ];
  expect(parse(lines)).toEqual([
    { pid: 8, what: "exec", args: ["b"] },
    { pid: 7, what: "exec", args: ["a"] },
  ]);
});

test("an exec that failed is neither an exec nor an end", () => {
  const lines = [
    'type=SYSCALL msg=audit(1.0:1): syscall=59 success=no exit=-2 ppid=1 pid=7 comm="a" key="k"',
    "type=PROCTITLE msg=audit(1.0:1): proctitle=61",
  ];
  expect(parse(lines)).toEqual([]);
});

test("events without an end record are reported nevertheless", () => {
  const lines = Array.from({ length: 3000 }, (_, i) => [
    `type=SYSCALL msg=audit(1.0:${i}): syscall=59 success=yes ppid=1 pid=${i} comm="a" key="k"`,
    `type=EXECVE msg=audit(1.0:${i}): argc=1 a0="a"`,
  ]).flat();
  expect(parse(lines)).toHaveLength(3000);
});

test("lines that are no records are counted as unparsed", () => {
  const counts = newTally();
  expect([...parseAudit(["", "type=SYSCALL msg=aud", "free text"], counts, "k")]).toEqual([]);
  expect(counts.unparsed).toBe(2);
});

test("decodeValue reads quoted and hexadecimal values", () => {
  expect(decodeValue('"a b"')).toBe("a b");
  expect(decodeValue('""')).toBe("");
  expect(decodeValue("61FF20")).toBe("a\xff ");
  expect(decodeValue("(null)")).toBe("(null)");
});
