import { expect, test } from "bun:test";
import { AnswerCache } from "../../src/api/answer-cache.ts";

function cacheAt() {
  let nowMs = 1000;
  const cache = new AnswerCache(() => nowMs);
  const wait = (ms: number) => {
    nowMs += ms;
  };
  return { cache, wait };
}

const bytes = (count: number) => new Uint8Array(count);

test("an answer is valid for a moment in any case, and for seconds if nothing has changed", () => {
  const { cache, wait } = cacheAt();
  const body = bytes(10);
  cache.set("a", 1, body);
  expect(cache.get("a", 2)).toBe(body);
  wait(199);
  expect(cache.get("a", 2)).toBe(body);
  wait(1);
  expect(cache.get("a", 1)).toBe(body);
  expect(cache.get("a", 2)).toBeUndefined();
  expect(cache.get("a", 1)).toBeUndefined();
  cache.set("a", 1, bytes(10));
  wait(5000);
  expect(cache.get("a", 1)).toBeUndefined();
});

test("an expired answer is freed, whether or not it is requested", () => {
  const { cache, wait } = cacheAt();
  const old = bytes(10);
  expect(cache.set("old", 1, old)).toBe(true);
  wait(300);
  cache.set("new", 2, bytes(10));
  cache.sweep(2);
  // Its memory is freed at once as well.
  expect(old.length).toBe(0);
  expect(cache.get("old", 1)).toBeUndefined();
  expect(cache.get("new", 2)).toBeDefined();
});

test("all answers together are bounded, and the oldest are dropped first", () => {
  const { cache } = cacheAt();
  const kept = (keys: string[]) => keys.filter((key) => cache.get(key, 1) !== undefined);
  for (const key of ["a", "b", "c"]) cache.set(key, 1, bytes(400 * 1024));
  expect(kept(["a", "b", "c"])).toEqual(["b", "c"]);
  cache.set("c", 1, bytes(600 * 1024));
  expect(kept(["b", "c"])).toEqual(["b", "c"]);
  const huge = bytes(1024 * 1024 + 1);
  expect(cache.set("huge", 1, huge)).toBe(false);
  expect(huge.length).toBe(1024 * 1024 + 1);
  expect(kept(["b", "c", "huge"])).toEqual(["b", "c"]);
  const many = Array.from({ length: 20 }, (_, i) => `k${i}`);
  for (const key of many) cache.set(key, 1, bytes(1));
  expect(kept(many)).toEqual(many.slice(4));
});
