import { expect, test } from "bun:test";
import { ProcessTable } from "../../src/process/table.ts";
import { NS_PER_CLOCK_TICK } from "../../src/procfs/proc-stat.ts";
import { TotalsBuffers } from "../../src/totals/buffers.ts";
import { OlderProcesses } from "../../src/totals/older.ts";
import { TOTALS_OTHER } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import { exitRecord, forkRecord } from "../wire/make-record.ts";
import { type Added, TotalsMemory } from "./memory.ts";

const HEAD = { pid: 7, comm: "old", cgroup_id: 1n, start_ns: 5n };
const PLACES = 16;
/** Figures of a process that ended. */
const ENDED = { exited_ok: 1, cpu_user_ns: 10 * NS_PER_CLOCK_TICK, cpu_system_ns: NS_PER_CLOCK_TICK };
const WHOLE = [10 * NS_PER_CLOCK_TICK, NS_PER_CLOCK_TICK];
const WITHOUT_OLDER = [7 * NS_PER_CLOCK_TICK, 0];

/** A process that had used 3 and 2 ticks before the run. */
function setUp(isTotalled = { now: true }) {
  const table = new ProcessTable({ lingerNs: 1e9 });
  table.fork(recordIn(forkRecord({ ...HEAD, ts_ns: 5n })));
  const older = new OlderProcesses(table, () => isTotalled.now);
  older.begin(() => ({ utimeTicks: 3, stimeTicks: 2 }));
  const memory = new TotalsMemory(PLACES);
  const buffers = new TotalsBuffers(() => memory.bytes, PLACES, memory.switch);
  /** CPU time of each group of an interval, in the order of places. */
  const interval = (...added: [place: number, group: Added][]) => {
    for (const [place, group] of added) memory.add(place, group);
    const groups = buffers.take();
    older.subtract(groups);
    return groups.map((group) => [group.figure("cpu_user_ns"), group.figure("cpu_system_ns")]);
  };
  const end = () => table.exit(recordIn(exitRecord({ ...HEAD, ts_ns: 9n })));
  return { older, interval, end };
}

test("the CPU time of a process before the run is subtracted only when it has ended", () => {
  const { interval, end } = setUp();
  expect(interval([1, { comm: "old", ...ENDED }])).toEqual([WHOLE]);
  end();
  expect(interval([1, { comm: "old", ...ENDED }])).toEqual([WITHOUT_OLDER]);
  expect(interval([1, { comm: "old", ...ENDED }])).toEqual([WHOLE]);
});

test("the end of a process that the filters exclude subtracts nothing from a later process of its group", () => {
  const isTotalled = { now: false };
  const { older, interval, end } = setUp(isTotalled);
  end();
  interval();
  expect(older.size).toBe(0);
  expect(interval([1, { comm: "old", ...ENDED }])).toEqual([WHOLE]);
});

test("a process that passes the filters at its end is subtracted, also if it did not pass at the start", () => {
  const isTotalled = { now: false };
  const { interval, end } = setUp(isTotalled);
  isTotalled.now = true;
  interval();
  end();
  expect(interval([1, { comm: "old", ...ENDED }])).toEqual([WITHOUT_OLDER]);
});

test("an end that was counted in the rest of its cgroup, or of all, is subtracted there", () => {
  const rests: [number, Added][] = [
    [2, { kind: TOTALS_OTHER, ...ENDED }],
    [PLACES, ENDED],
  ];
  for (const rest of rests) {
    const { older, interval, end } = setUp();
    end();
    expect(interval([1, { comm: "another", ...ENDED }], rest)).toEqual([WHOLE, WITHOUT_OLDER]);
    expect(older.size).toBe(0);
  }
});

test("an end that no group contains is searched for in one more interval", () => {
  const { older, interval, end } = setUp();
  end();
  interval([1, { comm: "old", started: 1 }]);
  expect(older.size).toBe(1);
  expect(interval([1, { comm: "another", ...ENDED }])).toEqual([WHOLE]);
  expect(older.size).toBe(0);
  expect(interval([1, { comm: "old", ...ENDED }])).toEqual([WHOLE]);
});
