import { expect, test } from "bun:test";
import { Lru } from "../../src/cgroup/lru.ts";
import { Prng } from "../../src/stats/prng.ts";

test("the least recently used entry is dropped first", () => {
  const lru = new Lru<string, number>(3);
  for (const [i, key] of ["a", "b", "c"].entries()) lru.set(key, i);
  expect(lru.get("a")).toBe(0);
  lru.set("d", 3);
  expect(["a", "b", "c", "d"].map((key) => lru.get(key))).toEqual([0, undefined, 2, 3]);
  lru.set("c", 4);
  lru.set("e", 5);
  expect(["a", "c", "d", "e"].map((key) => lru.get(key))).toEqual([undefined, 4, 3, 5]);
  expect(lru.stats()).toEqual({ entries: 3, limit: 3, hits: 7, misses: 2, evictions: 2 });
});

test("the cache contains the most recently used keys after any sequence of operations", () => {
  for (let seed = 0; seed < 20; seed++) {
    const prng = new Prng(seed);
    const limit = 1 + prng.index(8);
    const lru = new Lru<number, number>(limit);
    /** Entries in the order of their use, the most recently used last. */
    let model: [number, number][] = [];
    let evictions = 0;
    for (let step = 0; step < 1000; step++) {
      const key = prng.index(12);
      const known = model.find(([other]) => other === key);
      const others = model.filter(([other]) => other !== key);
      const choice = prng.index(10);
      if (choice < 5) {
        expect(lru.get(key)).toBe(known?.[1]);
        if (known) model = [...others, known];
      } else if (choice < 9) {
        lru.set(key, step);
        model = [...others, [key, step]];
        if (model.length > limit) {
          model.shift();
          evictions++;
        }
      } else {
        lru.delete(key);
        model = others;
      }
      const stats = lru.stats();
      expect([stats.entries, stats.evictions]).toEqual([model.length, evictions]);
    }
  }
});
