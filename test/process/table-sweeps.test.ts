import { describe, expect, test } from "bun:test";
import { ProcessTable } from "../../src/process/table.ts";
import { recordIn } from "../../src/wire/record.ts";
import { forkRecord } from "../wire/make-record.ts";

function tableOf(...pids: number[]): { table: ProcessTable; slots: number[] } {
  const table = new ProcessTable({ lingerNs: 1e9 });
  const slots = pids.map((pid) => table.fork(recordIn(forkRecord({ pid, start_ns: 1n }))));
  return { table, slots };
}

describe("after scans of all processes", () => {
  test("a process that a scan does not report has 0 % CPU, and its earlier memory and threads", () => {
    const { table, slots } = tableOf(1, 2);
    const [busy = 0, idle = 0] = slots;
    table.beginSweep();
    for (const slot of slots) table.setSample(slot, Number.NaN, 4096, 2);
    expect(slots.map((slot) => table.cpuPct(slot))).toEqual([undefined, undefined]);
    expect(slots.map((slot) => table.rssBytes(slot))).toEqual([4096, 4096]);
    table.beginSweep();
    table.setSample(busy, 50, 8192, 3);
    expect([table.cpuPct(busy), table.rssBytes(busy), table.threads(busy)]).toEqual([50, 8192, 3]);
    expect([table.cpuPct(idle), table.rssBytes(idle), table.threads(idle)]).toEqual([0, 4096, 2]);
    table.beginSweep();
    expect([table.cpuPct(busy), table.rssBytes(busy), table.threads(busy)]).toEqual([0, 8192, 3]);
  });

  test("endSweeps() hides the figures of all scans", () => {
    const { table, slots } = tableOf(1);
    const [slot = 0] = slots;
    table.beginSweep();
    table.setSample(slot, 1, 4096, 1);
    table.endSweeps();
    expect([table.cpuPct(slot), table.rssBytes(slot), table.threads(slot)]).toEqual([undefined, undefined, undefined]);
    table.beginSweep();
    expect(table.cpuPct(slot)).toBeUndefined();
    table.setSample(slot, 2, 8192, 1);
    expect([table.cpuPct(slot), table.rssBytes(slot), table.threads(slot)]).toEqual([2, 8192, 1]);
  });

  test("resumeSweeps() shows the earlier figures again", () => {
    const { table, slots } = tableOf(1, 2);
    const [idle = 0, busy = 0] = slots;
    table.beginSweep();
    for (const slot of slots) table.setSample(slot, 1, 4096, 1);
    table.endSweeps();
    table.resumeSweeps();
    table.beginSweep();
    table.setSample(busy, 2, 8192, 1);
    expect(slots.map((slot) => table.rssBytes(slot))).toEqual([4096, 8192]);
    expect([table.cpuPct(idle), table.cpuPct(busy)]).toEqual([0, 2]);
  });

  test("each scan changes the generation of the table", () => {
    const { table } = tableOf(1);
    const before = table.generation;
    table.beginSweep();
    expect(table.generation).not.toBe(before);
  });
});
