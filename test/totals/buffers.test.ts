import { describe, expect, test } from "bun:test";
import { TotalsBuffers } from "../../src/totals/buffers.ts";
import type { Group } from "../../src/totals/group.ts";
import { MAX_COMMS, TOTALS_BESIDE, TOTALS_OTHER } from "../../src/wire/layout.gen.ts";
import { TotalsMemory } from "./memory.ts";

const PLACES = 256;

function opened(places = PLACES) {
  const memory = new TotalsMemory(places);
  return { memory, buffers: new TotalsBuffers(() => memory.bytes, places, memory.switch) };
}

function named(groups: readonly Group[], comm: string): Group | undefined {
  return groups.find((group) => group.comm === comm);
}

const sum = (groups: readonly Group[], of: (group: Group) => number) => groups.reduce((all, one) => all + of(one), 0);

describe("TotalsBuffers", () => {
  test("reads each figure from its own offset", () => {
    const { memory, buffers } = opened();
    const figures = {
      started: 1,
      execs: 2,
      exited_ok: 4,
      exited_error: 8,
      exited_signal: 16,
      exited_unknown: 32,
      cpu_user_ns: 2 ** 40,
      cpu_system_ns: 2 ** 41,
      read_bytes: 2 ** 42,
      write_bytes: 2 ** 43,
      peak_rss_bytes: 2 ** 44,
    };
    memory.add(7, { cgroupId: 2n ** 40n + 5n, comm: "exactly16bytes.!", ...figures, lifetimes: { 0: 3, 47: 5 } });
    const [group, ...others] = buffers.take();
    expect(others).toEqual([]);
    expect(group).toMatchObject({ cgroupId: 2n ** 40n + 5n, comm: "exactly16bytes.!", isOther: false });
    for (const [name, value] of Object.entries(figures)) expect(group?.figure(name as "execs")).toBe(value);
    expect([group?.lifetimes(0), group?.lifetimes(1), group?.lifetimes(47)]).toEqual([3, 0, 5]);
  });

  test("groups are returned only once, and the programs get an empty buffer", () => {
    const { memory, buffers } = opened();
    for (let turn = 0; turn < 5; turn++) {
      memory.add(turn, { comm: `turn${turn}`, started: 1 });
      memory.add(9, { comm: "each", started: 2 });
      const groups = buffers.take();
      expect(groups).toHaveLength(2);
      expect(named(groups, "each")?.figure("started")).toBe(2);
    }
    expect(buffers.take()).toEqual([]);
  });

  test("figures that a program adds to a buffer after the switch are in the next result", () => {
    const { memory, buffers } = opened();
    memory.add(3, { comm: "slow", started: 1, cpu_user_ns: 100 });
    expect(named(buffers.take(), "slow")?.figure("started")).toBe(1);
    const former = memory.switch.buffer === 0 ? 1 : 0;
    memory.add(3, { comm: "slow", exited_ok: 1, cpu_user_ns: 5 }, former);
    memory.add(4, { comm: "new", started: 7 }, former);
    const groups = buffers.take();
    expect(named(groups, "slow")?.figure("started")).toBe(0);
    expect(named(groups, "slow")?.exited).toBe(1);
    expect(named(groups, "slow")?.figure("cpu_user_ns")).toBe(5);
    expect(named(groups, "new")?.figure("started")).toBe(7);
    expect(buffers.take()).toEqual([]);
  });

  test("peek changes nothing", () => {
    const { memory, buffers } = opened();
    memory.add(3, { comm: "a", started: 1 });
    expect(named(buffers.peek(), "a")?.figure("started")).toBe(1);
    memory.add(3, { comm: "a", started: 1 });
    expect(named(buffers.peek(), "a")?.figure("started")).toBe(2);
    expect(named(buffers.take(), "a")?.figure("started")).toBe(2);
  });

  test("two places of one group are merged, and a place that no program uses is free after the switch", () => {
    const { memory, buffers } = opened();
    memory.add(1, { comm: "twice", started: 1, peak_rss_bytes: 10 });
    memory.add(2, { comm: "twice", started: 2, peak_rss_bytes: 7 });
    memory.waste(3);
    const groups = buffers.take();
    expect(groups).toHaveLength(1);
    expect(groups[0]?.figure("started")).toBe(3);
    expect(groups[0]?.figure("peak_rss_bytes")).toBe(10);
    buffers.take();
    expect(new Uint8Array(memory.bytes).every((byte) => byte === 0)).toBe(true);
  });

  test("a group in which nothing happened is left out", () => {
    const { memory, buffers } = opened();
    memory.add(1, { kind: TOTALS_OTHER });
    expect(buffers.take()).toEqual([]);
  });

  test("the count of names at a place without a group is reset after the switch", () => {
    const { memory, buffers } = opened();
    memory.countName(5);
    memory.countName(5);
    expect(buffers.take()).toEqual([]);
    buffers.take();
    expect(new Uint8Array(memory.bytes).every((byte) => byte === 0)).toBe(true);
  });

  test("placesRead counts only places with a group, because only those leave garbage", () => {
    const { memory, buffers } = opened();
    buffers.take();
    expect(buffers.placesRead).toBe(0);
    memory.add(1, { comm: "a", started: 1 });
    memory.add(2, { comm: "b", started: 1 });
    buffers.take();
    expect(buffers.placesRead).toBe(2);
  });

  test("a process named other, the rest of its cgroup and the rest of all are three groups", () => {
    const { memory, buffers } = opened();
    memory.add(1, { comm: "other", started: 1 });
    memory.add(2, { kind: TOTALS_OTHER, started: 2 });
    memory.add(PLACES, { started: 4 });
    const groups = buffers.take();
    expect(groups.map(({ isOther, cgroupId }) => [isOther, cgroupId])).toEqual([
      [false, 1n],
      [true, 1n],
      [true, 0n],
    ]);
  });

  test("a cgroup has at most 64 names, those with the most events; other names count in its rest", () => {
    const { memory, buffers } = opened();
    // CPUs that add names at the same time may exceed the kernel's bound.
    for (let comm = 0; comm < MAX_COMMS + 4; comm++) memory.add(comm, { comm: `c${comm}`, started: 1 + comm });
    memory.add(200, { kind: TOTALS_OTHER, started: 1000 });
    memory.add(201, { cgroupId: 2n, comm: "elsewhere", started: 1 });
    const groups = buffers.take();
    const own = groups.filter(({ cgroupId, isOther }) => cgroupId === 1n && !isOther);
    expect(own).toHaveLength(MAX_COMMS);
    expect(named(groups, "c0")).toBeUndefined();
    expect(groups.find(({ isOther }) => isOther)?.figure("started")).toBe(1000 + 1 + 2 + 3 + 4);
    expect(named(groups, "elsewhere")).toBeDefined();
    const all = ((MAX_COMMS + 4) * (MAX_COMMS + 5)) / 2 + 1001;
    expect(sum(groups, (group) => group.figure("started"))).toBe(all);
  });

  test("processes that other records report as well are separate", () => {
    const { memory, buffers } = opened();
    memory.add(1, { comm: "a", started: 1 });
    memory.add(2, { comm: "a", kind: TOTALS_BESIDE, started: 2 });
    memory.add(PLACES + 1, { started: 4 });
    const groups = buffers.take();
    expect(groups.map((group) => [group.isBeside, group.figure("started")])).toEqual([
      [false, 1],
      [true, 2],
      [true, 4],
    ]);
  });

  test("CPU time after the end of a process without a place is not lost", () => {
    const { memory, buffers } = opened();
    memory.add(PLACES, { started: 1 });
    expect(buffers.take()).toHaveLength(1);
    memory.add(PLACES, { after_exit_ns: 7 });
    const groups = buffers.take();
    expect(groups.map((group) => [group.isOther, group.figure("after_exit_ns")])).toEqual([[true, 7]]);
    expect(buffers.take()).toEqual([]);
  });

  test("figures that are added to a place after it was read are in the next result, once", () => {
    const { memory, buffers } = opened();
    memory.add(5, { comm: "a", started: 2, cpu_user_ns: 10, lifetimes: { 3: 1 } });
    const before = memory.switch.buffer;
    expect(buffers.take()).toHaveLength(1);
    memory.add(5, { comm: "a", started: 1, cpu_user_ns: 5, lifetimes: { 3: 1 } }, before);
    const late = named(buffers.take(), "a");
    expect([late?.figure("started"), late?.figure("cpu_user_ns"), late?.lifetimes(3)]).toEqual([1, 5, 1]);
    expect(buffers.take()).toEqual([]);
  });
});
