import { expect, test } from "bun:test";
import { GroupSlots } from "../../src/groups/group-slots.ts";
import { labelOf, userOf } from "../../src/groups/label.ts";

const unit = (name: string) => labelOf({ unit: name, container: null }, "");

test("the first groups get a slot, and later groups count in other", () => {
  const slots = new GroupSlots({ max: 4, graceNs: 10 });
  const rows = ["a", "b", "c", "d", "e"].map((name) => slots.rowOf(unit(`${name}.service`), null, 1));
  expect(slots.size).toBe(4);
  expect(rows[4]).toBe(slots.other);
  expect(slots.rowOf(unit("a.service"), null, 2)).toBe(rows[0] as never);
});

test("one user's groups have at most a quarter of the slots", () => {
  const slots = new GroupSlots({ max: 8, graceNs: 10 });
  const place = { cgroup: "/user.slice/user-1000.slice/session-1.scope" };
  expect(userOf(place)).toBe("1000");
  const scopes = Array.from({ length: 5 }, (_, i) => slots.rowOf(unit(`run-${i}.scope`), userOf(place), 1));
  expect(scopes.filter((row) => row !== slots.other)).toHaveLength(2);
  expect(slots.rowOf(unit("run-9.scope"), "1001", 1)).not.toBe(slots.other);
  expect(slots.rowOf(unit("sshd.service"), null, 1)).not.toBe(slots.other);
});

test("a group is dropped with its CPU time after its grace time, and other keeps its own", () => {
  const slots = new GroupSlots({ max: 1, graceNs: 10 });
  const first = slots.rowOf(unit("a.service"), "1000", 0);
  first.addCpu(5, 2);
  first.settle();
  slots.rowOf(unit("b.service"), null, 0).addCpu(3, 0);
  slots.other.settle();
  const before = slots.cpuNs;
  first.beginCount();
  first.countLive(100, 5);
  slots.expire(30);
  expect(slots.has(first)).toBe(true);
  first.beginCount();
  slots.expire(14);
  expect(slots.has(first)).toBe(true);
  slots.expire(15);
  expect(slots.has(first)).toBe(false);
  expect(slots.ended).toEqual({ groups: 1, cpuNs: 7 });
  expect(slots.cpuNs).toBe(before);
  const second = slots.rowOf(unit("b.service"), "1000", 20);
  expect(second).not.toBe(slots.other);
  expect(second.cpuNs).toBe(0);
  expect(slots.other.cpuNs).toBe(3);
});
