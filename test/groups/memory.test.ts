import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { GROUP_BYTES, PROCESS_BYTES, READ_BYTES } from "../../src/collect/group-reports.ts";
import { GroupSlots } from "../../src/groups/group-slots.ts";
import { LiveCpu } from "../../src/groups/live-cpu.ts";
import { TOTALS_PLACES } from "../../src/probes/backend.ts";
import { TotalsBuffers } from "../../src/totals/buffers.ts";
import { TotalsMemory } from "../totals/memory.ts";

/** The longest name of a cgroup: NAME_MAX of Linux. */
const UNIT = 255;
const CONTAINER = 64;
const COMM = 15;

function heapBytes(): number {
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  return heapSize + extraMemorySize;
}

/** A text with memory of its own, as texts from records have. */
const text = (i: number, length: number) => Buffer.from(String(i).padStart(length, "x")).toString("latin1");

/** Bytes that `make` allocates for each of `count` items, while its result is referenced. */
function bytesOfEach(count: number, make: () => unknown): number {
  const before = heapBytes();
  const made = make();
  const after = heapBytes();
  expect(made).toBeDefined();
  return (after - before) / count;
}

function fill(count: number): GroupSlots {
  const slots = new GroupSlots({ max: count, graceNs: 1 });
  for (let i = 0; i < 2 * count; i++) {
    const label = { unit: text(i, UNIT), container: text(i, CONTAINER), comm: text(i, COMM) };
    const row = slots.rowOf(label, String(i), i);
    row.addCpu(1.5 + i, 2.5 + i);
    row.settle();
  }
  return slots;
}

test("a group uses at most the memory that the log reports for it", () => {
  fill(100);
  expect(bytesOfEach(4000, () => fill(4000))).toBeLessThan(GROUP_BYTES);
});

test("memory of expired groups is freed, and the numbers of groups and users stay bounded", () => {
  const slots = fill(100);
  const before = heapBytes();
  for (let round = 1; round <= 50; round++) {
    slots.expire(round * 1e6);
    for (let i = 0; i < 200; i++) {
      const label = { unit: text(round * 1000 + i, UNIT), container: "", comm: "" };
      slots.rowOf(label, `${round}-${i}`, round * 1e6);
    }
    expect(slots.size).toBe(100);
  }
  expect(heapBytes() - before).toBeLessThan(100 * GROUP_BYTES);
});

test("a live process uses at most the memory that the log reports for it, and none after its end", () => {
  const live = new LiveCpu();
  const { other: row } = new GroupSlots({ max: 1, graceNs: 1 });
  const see = (from: number, count: number) => {
    for (let pid = from; pid < from + count; pid++) {
      const startLow = (pid * 2654435761) >>> 0;
      const figures = { utimeNs: 1e7, stimeNs: 1e7, rssBytes: 4096 * pid, isFirst: true };
      live.sampled({ pid, startLow, row, runtimeNs: 1e6 + pid, ...figures }, true);
    }
    return live;
  };
  see(1, 1000);
  const before = heapBytes();
  expect(bytesOfEach(50_000, () => see(10_000, 50_000))).toBeLessThan(PROCESS_BYTES);
  live.forget(() => row);
  expect(live.size).toBe(0);
  // The map may keep the memory of its former entries until it is filled again.
  for (let round = 0; round < 20; round++) {
    see(1, 100);
    live.forget(() => row);
  }
  expect(heapBytes() - before).toBeLessThan(50_000 * PROCESS_BYTES * 0.1);
});

test("reading totals uses at most the memory that the log reports, also if all places are in use", () => {
  const memory = new TotalsMemory(TOTALS_PLACES);
  const buffers = new TotalsBuffers(() => memory.bytes, memory.places, memory.switch);
  const use = () => {
    for (let place = 0; place < memory.places; place++) {
      memory.add(place, { cgroupId: BigInt(1e6 + place), comm: text(place, COMM), started: 1 });
    }
    return buffers.take();
  };
  buffers.take();
  // A buffer stays in memory for one more turn, because it is read twice.
  expect(bytesOfEach(1, () => [use(), use()])).toBeLessThan(READ_BYTES);
});
