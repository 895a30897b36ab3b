import { expect, test } from "bun:test";
import { GroupRow } from "../../src/groups/group-row.ts";
import { labelOf } from "../../src/groups/label.ts";
import { LiveCpu, type Sampled } from "../../src/groups/live-cpu.ts";

const row = (unit: string) => new GroupRow(labelOf({ unit, container: null }, ""), null, 0);
const cpuOf = (of: GroupRow) => {
  of.settle();
  return [of.userNs.shown, of.systemNs.shown];
};

function sample(changes: Partial<Sampled> & Pick<Sampled, "row">): Sampled {
  return { pid: 7, startLow: 1, runtimeNs: 0, isFirst: false, utimeNs: 0, stimeNs: 0, rssBytes: 0, ...changes };
}

test("CPU time from before the run is not counted, and is subtracted only once when the process ends", () => {
  const live = new LiveCpu();
  const group = row("a.service");
  live.sampled(sample({ row: group, runtimeNs: 1000, isFirst: true, utimeNs: 1, stimeNs: 1 }), false);
  live.sampled(sample({ row: group, runtimeNs: 100, utimeNs: 1, stimeNs: 1 }), true);
  expect(cpuOf(group)).toEqual([50, 50]);
  // The kernel side counts the CPU time of its whole life, of which 30 ns were used after the last sample.
  group.addCpu(565, 565);
  live.forget(() => group);
  expect(cpuOf(group)).toEqual([65, 65]);
  expect(live.size).toBe(0);
});

test("neither user nor system time falls if later ticks divide the time otherwise", () => {
  const live = new LiveCpu();
  const group = row("a.service");
  live.sampled(sample({ row: group, runtimeNs: 100, isFirst: true, utimeNs: 1 }), true);
  expect(cpuOf(group)).toEqual([100, 0]);
  live.sampled(sample({ row: group, runtimeNs: 10, utimeNs: 1, stimeNs: 9 }), true);
  expect(cpuOf(group)).toEqual([100, 10]);
  // A new first sample, as after an exec by another thread, has the time of its whole life.
  live.sampled(sample({ row: group, runtimeNs: 130, isFirst: true, utimeNs: 1, stimeNs: 9 }), true);
  expect(cpuOf(group)).toEqual([100, 30]);
});

test("a process that moves counts in its old group until a sample shows the move", () => {
  const live = new LiveCpu();
  const [before, after] = [row("a.service"), row("b.service")];
  live.sampled(sample({ row: before, runtimeNs: 100, isFirst: true, utimeNs: 1 }), true);
  live.sampled(sample({ row: after, runtimeNs: 50, utimeNs: 1 }), true);
  expect(cpuOf(before)).toEqual([150, 0]);
  after.addCpu(170, 0);
  live.forget(() => after);
  expect(cpuOf(before)).toEqual([150, 0]);
  expect(cpuOf(after)).toEqual([20, 0]);
});

test("a counter does not fall while the exit of a process is not counted yet", () => {
  const live = new LiveCpu();
  const group = row("a.service");
  live.sampled(sample({ row: group, runtimeNs: 100, isFirst: true, utimeNs: 1 }), true);
  expect(cpuOf(group)).toEqual([100, 0]);
  live.forget(() => group);
  expect(cpuOf(group)).toEqual([100, 0]);
  group.addCpu(104, 0);
  expect(cpuOf(group)).toEqual([104, 0]);
});
