import { expect, test } from "bun:test";
import type { FiltersSettings } from "../../src/config/sections/filters.ts";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { SampleFilter } from "../../src/sampling/sample-filter.ts";
import { KNOWN_EFFECTIVE, KNOWN_START } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import { forkRecord, type Head } from "../wire/make-record.ts";

const NONE: FiltersSettings = { pids: [], uids: [], comms: [], cgroup: null, minDurationNs: 0 };

/** Whether the filter wants an event of a process, and its slot of the table. */
function wanted(filters: Partial<FiltersSettings>, head: Partial<Head>): [boolean, boolean] {
  const table = new ProcessTable({ lingerNs: 1e9 });
  const view = new EventView(table, new WallClock(0n));
  using filter = new SampleFilter({ ...NONE, ...filters });
  view.accept(recordIn(forkRecord({ pid: 7, comm: "sh", ts_ns: 5n, start_ns: 5n, ...head })));
  return [filter.wants(view), filter.wantsSlot(table, view.slot)];
}

test("a process in the table passes the filter as its events do: by its real or effective user", () => {
  const ids = { flags: KNOWN_START | KNOWN_EFFECTIVE, uid: 1000, euid: 33 };
  expect(wanted({ uids: [1000] }, ids)).toEqual([true, true]);
  expect(wanted({ uids: [33] }, ids)).toEqual([true, true]);
  expect(wanted({ uids: [34] }, ids)).toEqual([false, false]);
});

test("an unknown effective user is not root", () => {
  expect(wanted({ uids: [0] }, { flags: KNOWN_START, uid: 1000, euid: 0 })).toEqual([false, false]);
});

test("a process in the table passes the filter by its pid and name, as its events do", () => {
  expect(wanted({ pids: [7] }, {})).toEqual([true, true]);
  expect(wanted({ pids: [8] }, {})).toEqual([false, false]);
  expect(wanted({ comms: ["sh"] }, {})).toEqual([true, true]);
  expect(wanted({ comms: ["s"] }, {})).toEqual([false, false]);
});
