import { beforeEach, expect, test } from "bun:test";
import { type Collections, Garbage } from "../../src/collect/housekeeping.ts";

let collected: (keyof Collections)[] = [];
const collections: Collections = { young: () => collected.push("young"), all: () => collected.push("all") };
beforeEach(() => {
  collected = [];
});

test("garbage of the start is collected at once on an idle machine", () => {
  const garbage = new Garbage(collections);
  garbage.settle(12);
  expect(collected).toEqual(["all"]);
  garbage.rest(200);
  expect(collected).toEqual(["all"]);
});

test("a collector that is busy from its start keeps its compiled code until it is idle", () => {
  const garbage = new Garbage(collections);
  garbage.settle(1800);
  expect(collected).toEqual([]);
  // This is so however few events happened until then.
  garbage.rest(1900);
  expect(collected).toEqual(["all"]);
  garbage.rest(2000);
  expect(collected).toEqual(["all"]);
});

test("a garbage collection after much work replaces that of the start", () => {
  const garbage = new Garbage(collections);
  garbage.settle(90_000);
  garbage.tick(100_000);
  expect(collected).toEqual(["all"]);
  garbage.rest(100_100);
  expect(collected).toEqual(["all"]);
});

test("later collections leave compiled code alone for ten minutes", () => {
  let nowNs = 5e9;
  const garbage = new Garbage(collections, () => nowNs);
  garbage.settle(12);
  garbage.tick(100_012);
  garbage.rest(106_000);
  expect(collected).toEqual(["all", "young", "young"]);
  nowNs += 600e9;
  garbage.rest(112_000);
  expect(collected).toEqual(["all", "young", "young", "all"]);
});
