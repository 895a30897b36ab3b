import { describe, expect, test } from "bun:test";
import { MixChooser } from "../../src/workload/mix-chooser.ts";

function draw(weights: number[], seed: number, n: number): number[] {
  const chooser = new MixChooser(weights, seed);
  return Array.from({ length: n }, () => chooser.next());
}

function counts(kinds: number, drawn: number[]): number[] {
  const count = new Array<number>(kinds).fill(0);
  for (const kind of drawn) count[kind] = (count[kind] ?? 0) + 1;
  return count;
}

describe("MixChooser", () => {
  test("equal shares are drawn equally often in every whole block", () => {
    expect(counts(4, draw([1, 1, 1, 1], 1, 32))).toEqual([8, 8, 8, 8]);
    expect(counts(4, draw([5, 5, 5, 5], 2, 3200))).toEqual([800, 800, 800, 800]);
  });

  test.each([
    [[3, 2, 1]],
    [[1, 1000]],
    [[0.1, 0.2, 0.3, 0.4, 7]],
    [[1, 1, 1, 1, 1, 1, 1]],
    [Array.from({ length: 64 }, (_, i) => i + 1)],
  ])("every kind of %p is drawn near its share after any number of whole blocks", (weights) => {
    const sum = weights.reduce((a, b) => a + b, 0);
    for (const blocks of [1, 2, 7, 50]) {
      const n = 32 * blocks;
      const got = counts(weights.length, draw(weights, blocks, n));
      for (const [kind, weight] of weights.entries()) {
        // Smooth weighted round robin differs by less than the number of kinds, in practice by about one.
        expect(Math.abs((got[kind] as number) - (n * weight) / sum)).toBeLessThan(2);
      }
    }
  });

  test("a kind of weight 0 is never drawn", () => {
    expect(new Set(draw([1, 0, 2], 9, 500))).toEqual(new Set([0, 2]));
  });

  test("the same seed gives the same order, another seed another", () => {
    expect(draw([1, 2, 3], 7, 200)).toEqual(draw([1, 2, 3], 7, 200));
    expect(draw([1, 2, 3], 7, 200)).not.toEqual(draw([1, 2, 3], 8, 200));
  });

  test("the order is mixed, not all of one kind first", () => {
    const drawn = draw([1, 1], 3, 3200);
    const changes = drawn.filter((kind, i) => i > 0 && kind !== drawn[i - 1]).length;
    expect(changes).toBeWithin(1400, 1900);
  });

  test("empty, zero, negative and NaN weights are refused", () => {
    expect(() => new MixChooser([], 1)).toThrow(RangeError);
    expect(() => new MixChooser([0, 0], 1)).toThrow(RangeError);
    expect(() => new MixChooser([1, -1], 1)).toThrow(RangeError);
    expect(() => new MixChooser([1, Number.NaN], 1)).toThrow(RangeError);
  });
});
