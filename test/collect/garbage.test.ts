import { afterEach, beforeEach, expect, mock, spyOn, test } from "bun:test";
import { Garbage } from "../../src/collect/housekeeping.ts";

let collected = 0;
beforeEach(() => {
  collected = 0;
  spyOn(Bun, "gc").mockImplementation(() => {
    collected++;
  });
});
afterEach(() => mock.restore());

test("what the start leaves behind is collected at once where nothing happens", () => {
  const garbage = new Garbage();
  garbage.settle(12);
  expect(collected).toBe(1);
  garbage.rest(200);
  expect(collected).toBe(1);
});

test("a collector that is busy from its start keeps its compiled code until the next rest", () => {
  const garbage = new Garbage();
  garbage.settle(1800);
  expect(collected).toBe(0);
  // However little has happened by then.
  garbage.rest(1900);
  expect(collected).toBe(1);
  garbage.rest(2000);
  expect(collected).toBe(1);
});

test("a collection after much work is that of the start as well", () => {
  const garbage = new Garbage();
  garbage.settle(90_000);
  garbage.tick(100_000);
  expect(collected).toBe(1);
  garbage.rest(100_100);
  expect(collected).toBe(1);
});
