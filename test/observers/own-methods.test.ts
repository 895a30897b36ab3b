import { expect, test } from "bun:test";
import { parseLinnix, parseTotals } from "../../src/observers/linnix.ts";
import { newTally } from "../../src/observers/observer.ts";
import { parseTaskIterator } from "../../src/observers/task-iterator.ts";

test("processes of the task iterator have their exact start, also above 2^53", () => {
  const tally = newTally();
  const lines = ["+7 9007199254740993", "=2", "=3", "+8 "];
  expect([...parseTaskIterator(lines, tally)]).toEqual([{ pid: 7, what: "listed", startNs: 9007199254740993n }]);
  expect(tally).toMatchObject({ records: 1, listings: 2, unparsed: 1 });
});

test("events of linnix have their exact start, also if arguments look like a start", () => {
  const tally = newTally();
  const lines = [
    '{"type":"fork","pid":7,"start_ns":9007199254740993,"comm":"x"}',
    String.raw`{"type":"exec","pid":7,"args":["\"start_ns\":1"],"start_ns":12}`,
    '{"type":"sample","pid":7,"start_ns":12}',
    "half a li",
    '{"type":"summary","lost":3,"pid":1}',
  ];
  expect([...parseLinnix(lines, tally)]).toEqual([
    { pid: 7, what: "fork", startNs: 9007199254740993n },
    { pid: 7, what: "exec", startNs: 12n },
  ]);
  expect(tally).toMatchObject({ records: 2, unparsed: 1, lost: 3 });
});

test("in a pid namespace, events of linnix are matched by ns_pid", () => {
  const lines = [
    '{"type":"fork","pid":7000,"start_ns":12,"ns_pid":7}',
    // The tracepoint backend does not report ns_pid.
    '{"type":"exec","pid":7001,"start_ns":13}',
  ];
  const tally = newTally();
  expect([...parseLinnix(lines, tally, "ns_pid")]).toEqual([{ pid: 7, what: "fork", startNs: 12n }]);
  expect(tally).toMatchObject({ records: 2, unparsed: 0 });
});

test("totals become sums of execs and exits per name", () => {
  const line = (comm: string, execs: number, ok: number | null, unknown: number, toNs: string) =>
    `{"type":"totals","to_ns":${toNs},"comm":"${comm}","execs":${execs},` +
    `"exited":{"ok":${ok},"error":${ok},"signal":null,"unknown":${unknown}}}`;
  const tally = newTally();
  const lines = [
    line("true", 3, 1, 0, "9007199254740993"),
    line("true", 2, 1, 0, "9007199254740995"),
    "{",
    '{"type":"summary","lost":2}',
  ];
  expect([...parseTotals(lines, tally)]).toEqual([
    { pid: 0, what: "exec", sum: { comm: "true", count: 2, untilNs: 9007199254740995n } },
    { pid: 0, what: "exec", sum: { comm: "true", count: 2, untilNs: 9007199254740993n } },
  ]);
  expect(tally).toMatchObject({ records: 2, unparsed: 1, lost: 2 });
});
