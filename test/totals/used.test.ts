import { expect, test } from "bun:test";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { TotalsBuffers } from "../../src/totals/buffers.ts";
import { keyOf } from "../../src/totals/group.ts";
import { UsedCpu } from "../../src/totals/used.ts";
import { TOTALS_ALL, TOTALS_OTHER } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import { exitRecord, sampleRecord } from "../wire/make-record.ts";
import { type Added, TotalsMemory } from "./memory.ts";

const HEAD = { pid: 7, comm: "sh", cgroup_id: 1n, start_ns: 5n };
const PLACES = 16;
const OWN = keyOf(1n, "sh");

function setUp() {
  const table = new ProcessTable({ lingerNs: 1e9 });
  const view = new EventView(table, new WallClock(0n));
  const used = new UsedCpu(table);
  const sample = (runtimeNs: bigint, head = HEAD) => {
    view.accept(recordIn(sampleRecord({ ...head, ts_ns: 6n, runtime_ns: runtimeNs })));
    view.cpuPct = 1;
    used.sampled(view, true);
  };
  const end = () => table.exit(recordIn(exitRecord({ ...HEAD, ts_ns: 9n })));
  const interval = (...added: [place: number, group: Added][]) => {
    const memory = new TotalsMemory(PLACES);
    for (const [place, group] of added) memory.add(place, group);
    return used.take(new TotalsBuffers(() => memory.bytes, PLACES, memory.switch).take());
  };
  return { sample, end, interval };
}

test("a process that ends adds the CPU time that its samples did not contain", () => {
  const { sample, end, interval } = setUp();
  sample(100n);
  expect(interval()).toEqual(new Map([[OWN, 100]]));
  end();
  expect(interval([1, { comm: "sh", exited_ok: 1, cpu_user_ns: 150 }])).toEqual(new Map([[OWN, 50]]));
});

const RESTS: [name: string, place: number, rest: Added, key: string][] = [
  ["its cgroup", 2, { kind: TOTALS_OTHER }, keyOf(1n, "", TOTALS_OTHER)],
  ["all", PLACES, {}, keyOf(0n, "", TOTALS_ALL)],
];

for (const [name, place, rest, key] of RESTS) {
  test(`sampled time of a process whose end is in the rest of ${name} is not counted again`, () => {
    const { sample, end, interval } = setUp();
    sample(100n);
    interval();
    sample(20n);
    end();
    const found = interval([place, { ...rest, exited_ok: 1, cpu_user_ns: 150 }]);
    expect(found).toEqual(
      new Map([
        [OWN, 20],
        [key, 30],
      ]),
    );
    // Nothing is subtracted from the next process of that name.
    expect(interval([1, { comm: "sh", exited_ok: 1, cpu_user_ns: 40 }])).toEqual(new Map([[OWN, 40]]));
  });
}

test("a process whose pid was reused has ended as well", () => {
  const { sample, interval } = setUp();
  sample(100n);
  sample(7n, { ...HEAD, start_ns: 8n });
  const key = keyOf(1n, "", TOTALS_OTHER);
  const found = interval([2, { kind: TOTALS_OTHER, exited_ok: 1, cpu_user_ns: 150 }]);
  expect(found.get(key)).toBe(50);
  expect(found.get(OWN)).toBe(107);
});
