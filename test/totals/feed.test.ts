import { expect, test } from "bun:test";
import { TotalsBuffers } from "../../src/totals/buffers.ts";
import { ofSummary, TotalsFeed } from "../../src/totals/feed.ts";
import { TOTALS_BESIDE, TOTALS_KERNEL } from "../../src/wire/layout.gen.ts";
import { TotalsMemory } from "./memory.ts";

const PLACES = 16;

function opened() {
  const memory = new TotalsMemory(PLACES);
  return { memory, feed: new TotalsFeed(new TotalsBuffers(() => memory.bytes, PLACES, memory.switch)) };
}

test("each reader receives everything since its last call, and nothing while it is off", () => {
  const { memory, feed } = opened();
  let isOn = true;
  const all = feed.share(
    () => true,
    (group) => group,
  );
  const some = feed.share(() => isOn, ofSummary);
  memory.add(1, { comm: "a", started: 1 });
  expect(all.take().map((group) => group.figure("started"))).toEqual([1]);
  memory.add(1, { comm: "a", started: 2 });
  expect(all.take().map((group) => group.figure("started"))).toEqual([2]);
  expect(some.take().map((group) => group.figure("started"))).toEqual([3]);
  isOn = false;
  memory.add(1, { comm: "a", started: 4 });
  all.take();
  expect(some.take()).toEqual([]);
});

test("the level summary includes kernel threads, and no process that other records report", () => {
  const { memory, feed } = opened();
  const share = feed.share(() => true, ofSummary);
  memory.add(1, { comm: "a", execs: 1 });
  memory.add(2, { comm: "a", started: 2, kind: TOTALS_KERNEL });
  memory.add(3, { comm: "a", started: 4, kind: TOTALS_BESIDE });
  memory.add(4, { comm: "b", after_exit_ns: 8 });
  const groups = share.take();
  expect(groups.map(({ comm, kind }) => [comm, kind])).toEqual([["a", 0]]);
  expect([groups[0]?.figure("started"), groups[0]?.figure("execs")]).toEqual([2, 1]);
});
