import { expect, test } from "bun:test";
import { parseExitsnoop } from "../../src/observers/execsnoop-exitsnoop.ts";
import { newTally } from "../../src/observers/observer.ts";

function parse(text: string) {
  const tally = newTally();
  return { sightings: [...parseExitsnoop(text.split("\n"), tally)], tally };
}

test("reads the table of libbpf-tools' exitsnoop", () => {
  const { sightings, tally } = parse(`PCOMM            PID     PPID    TID     AGE(s)  EXIT_CODE
true             1078    22673   1078    0.00    0
bun.exe          993     22673   993     5.92    signal 9 (Killed)
a name 7         964     22673   964     7.48    1
`);
  expect(sightings).toEqual([1078, 993, 964].map((pid) => ({ pid, what: "exit" })));
  expect(tally).toMatchObject({ records: 3, unparsed: 0, lost: 0 });
});

test("reads the table of bcc's exitsnoop, with core dumps and exit codes in words", () => {
  const { sightings, tally } = parse(`PCOMM            PID    PPID   TID    AGE(s)  EXIT_CODE
sleep            19004  19003  19004  1.65    0
bash             19005  19003  19005  5.10    code 1
cat              19006  19003  19006  5.10    signal 11 (SEGV), core dumped
`);
  expect(sightings.map(({ pid }) => pid)).toEqual([19004, 19005, 19006]);
  expect(tally.unparsed).toBe(0);
});

test("counts lost events, and an incomplete row as unparsed", () => {
  const { tally } = parse("lost 12 events on CPU #1\nhalf\nof a name  7  1  7  0.10  0\n");
  expect(tally).toMatchObject({ lost: 12, unparsed: 1, records: 1 });
});
