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

test("what a process used before the run is not counted, nor taken off twice at its end", () => {
  const live = new LiveCpu();
  const group = row("a.service");
  live.sampled(sample({ row: group, runtimeNs: 1000, isFirst: true, utimeNs: 1, stimeNs: 1 }), false);
  live.sampled(sample({ row: group, runtimeNs: 100, utimeNs: 1, stimeNs: 1 }), true);
  expect(cpuOf(group)).toEqual([50, 50]);
  // The kernel side counts its whole life, of which 30 ns came after the last look.
  group.addCpu(565, 565);
  live.forget(() => group);
  expect(cpuOf(group)).toEqual([65, 65]);
  expect(live.size).toBe(0);
});

test("neither part of the time falls when ticks divide it otherwise", () => {
  const live = new LiveCpu();
  const group = row("a.service");
  live.sampled(sample({ row: group, runtimeNs: 100, isFirst: true, utimeNs: 1 }), true);
  expect(cpuOf(group)).toEqual([100, 0]);
  live.sampled(sample({ row: group, runtimeNs: 10, utimeNs: 1, stimeNs: 9 }), true);
  expect(cpuOf(group)).toEqual([100, 10]);
  // Seen first again, as after an exec by another thread: the time is that of its whole life.
  live.sampled(sample({ row: group, runtimeNs: 130, isFirst: true, utimeNs: 1, stimeNs: 9 }), true);
  expect(cpuOf(group)).toEqual([100, 30]);
});

test("a process that moves counts where it was until the look that sees it move", () => {
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

test("a counter does not fall while the end of a process is not counted yet", () => {
  const live = new LiveCpu();
  const group = row("a.service");
  live.sampled(sample({ row: group, runtimeNs: 100, isFirst: true, utimeNs: 1 }), true);
  expect(cpuOf(group)).toEqual([100, 0]);
  live.forget(() => group);
  expect(cpuOf(group)).toEqual([100, 0]);
  group.addCpu(104, 0);
  expect(cpuOf(group)).toEqual([104, 0]);
});
