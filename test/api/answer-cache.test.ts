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

const blob = (bytes: number) => new Blob([new Uint8Array(bytes)]);

test("an answer holds for a moment in any case, and for seconds where nothing has changed", () => {
  const { cache, wait } = cacheAt();
  const body = blob(10);
  cache.set("a", 1, body);
  expect(cache.get("a", 2)).toBe(body);
  wait(199);
  expect(cache.get("a", 2)).toBe(body);
  wait(1);
  expect(cache.get("a", 1)).toBe(body);
  expect(cache.get("a", 2)).toBeUndefined();
  expect(cache.get("a", 1)).toBeUndefined();
  cache.set("a", 1, body);
  wait(5000);
  expect(cache.get("a", 1)).toBeUndefined();
});

test("what no longer holds is let go of, whether it is asked for or not", () => {
  const { cache, wait } = cacheAt();
  cache.set("old", 1, blob(10));
  wait(300);
  cache.set("new", 2, blob(10));
  cache.sweep(2);
  expect(cache.get("old", 1)).toBeUndefined();
  expect(cache.get("new", 2)).toBeDefined();
});

test("all answers together are bounded, the oldest go first", () => {
  const { cache } = cacheAt();
  const kept = (keys: string[]) => keys.filter((key) => cache.get(key, 1) !== undefined);
  for (const key of ["a", "b", "c"]) cache.set(key, 1, blob(400 * 1024));
  expect(kept(["a", "b", "c"])).toEqual(["b", "c"]);
  cache.set("c", 1, blob(600 * 1024));
  expect(kept(["b", "c"])).toEqual(["b", "c"]);
  cache.set("huge", 1, blob(1024 * 1024 + 1));
  expect(kept(["b", "c", "huge"])).toEqual(["b", "c"]);
  const many = Array.from({ length: 20 }, (_, i) => `k${i}`);
  for (const key of many) cache.set(key, 1, blob(1));
  expect(kept(many)).toEqual(many.slice(4));
});
