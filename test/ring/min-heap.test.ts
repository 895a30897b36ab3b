import { describe, expect, test } from "bun:test";
import { MinHeap } from "../../src/ring/min-heap.ts";
import { Prng } from "../../src/stats/prng.ts";

/** Removes all items, top first. */
function drained(heap: MinHeap): [item: number, key: number][] {
  const order: [number, number][] = [];
  while (heap.size > 0) {
    order.push([heap.top, heap.topKey]);
    heap.pop();
  }
  return order;
}

describe("MinHeap", () => {
  test("returns items in sorted order, each with its key", () => {
    const prng = new Prng(1);
    for (let round = 0; round < 300; round++) {
      const size = prng.index(33);
      const heap = new MinHeap(size);
      // Few different keys, so that many are equal.
      const keys = Array.from({ length: size }, () => prng.index(20));
      keys.forEach((key, item) => {
        heap.push(item, key);
      });
      const order = drained(heap);
      expect(order.map(([, key]) => key)).toEqual(keys.toSorted((a, b) => a - b));
      expect(order.every(([item, key]) => keys[item] === key)).toBe(true);
      expect(order.map(([item]) => item).toSorted((a, b) => a - b)).toEqual([...keys.keys()]);
    }
  });

  test("stays sorted under any mix of push, pop and replaceTop", () => {
    const prng = new Prng(2);
    const heap = new MinHeap(16);
    const model: { item: number; key: number }[] = [];
    for (let step = 0; step < 20_000; step++) {
      model.sort((a, b) => a.key - b.key);
      const least = model[0];
      const choice = prng.index(3);
      if (choice === 0 && model.length < 16) {
        // All keys differ, so that there is only one order.
        const entry = { item: prng.index(1000), key: step + prng.float() * 100 };
        model.push(entry);
        heap.push(entry.item, entry.key);
      } else if (choice === 1 && least) {
        model.shift();
        heap.pop();
      } else if (least) {
        least.key += prng.float() * 200;
        heap.replaceTop(least.key);
      }
      model.sort((a, b) => a.key - b.key);
      expect(heap.size).toBe(model.length);
      if (model[0]) expect([heap.top, heap.topKey]).toEqual([model[0].item, model[0].key]);
    }
  });

  test("orders by any value of a double", () => {
    const heap = new MinHeap(4);
    for (const [item, key] of [Number.POSITIVE_INFINITY, 2 ** 53, 0, -1].entries()) heap.push(item, key);
    expect(drained(heap).map(([item]) => item)).toEqual([3, 2, 1, 0]);
  });

  test("is empty after clear, and can be filled again", () => {
    const heap = new MinHeap(2);
    heap.push(1, 1);
    heap.push(2, 2);
    heap.clear();
    expect(heap.size).toBe(0);
    heap.push(3, 3);
    expect(drained(heap)).toEqual([[3, 3]]);
  });
});
