import { describe, expect, test } from "bun:test";
import { MAX_EXACT_HIGH, split, splitNs, WallClock } from "../../src/json/wall-clock.ts";
import { Prng } from "../../src/stats/prng.ts";

const GIGA = 1_000_000_000n;

function halves(ns: bigint): [high: number, low: number] {
  return [Number(ns >> 32n), Number(ns & 0xffff_ffffn)];
}

/** Stamps of every size that splitNs handles exactly, and stamps around whole seconds. */
function* stamps(seed: number): Generator<bigint> {
  const prng = new Prng(seed);
  const limit = BigInt(MAX_EXACT_HIGH) << 32n;
  for (let i = 0; i < 20_000; i++) {
    const bits = BigInt(1 + prng.index(56));
    const value = ((BigInt(prng.uint32()) << 32n) | BigInt(prng.uint32())) & ((1n << bits) - 1n);
    yield value;
    const seconds = value / GIGA;
    for (const near of [seconds * GIGA - 1n, seconds * GIGA, seconds * GIGA + 1n]) if (near >= 0n) yield near;
  }
  yield* [0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, limit - 1n];
}

describe("splitNs", () => {
  test("is exact, also past 2^53", () => {
    for (const ns of stamps(1)) {
      splitNs(...halves(ns));
      if (split.seconds !== Number(ns / GIGA) || split.nanoseconds !== Number(ns % GIGA)) {
        throw new Error(`${ns} became ${split.seconds} s and ${split.nanoseconds} ns`);
      }
    }
  });

  test("is exact for more than two years of uptime", () => {
    const twoYears = 2n * 366n * 24n * 3600n * GIGA;
    expect(BigInt(MAX_EXACT_HIGH) << 32n).toBeGreaterThan(twoYears);
  });
});

describe("WallClock", () => {
  test.each([
    ["today", 1_790_000_000_123_456_789n],
    ["1970", 0n],
    ["just before a second", 1_790_000_000_999_999_999n],
    ["a clock that was never set, with boot before 1970", -86_400_000_000_001n],
    ["1 ns before 1970", -1n],
    ["far ahead", 2n ** 63n - 1n],
  ])("adds the offset without rounding: %s", (_, offset) => {
    const clock = new WallClock(offset);
    for (const ns of stamps(2)) {
      clock.set(...halves(ns));
      const wall = ns + offset;
      // Before 1970, seconds are negative and nanoseconds still count upward.
      const nanoseconds = ((wall % GIGA) + GIGA) % GIGA;
      if (clock.nanoseconds !== Number(nanoseconds) || clock.seconds !== Number((wall - nanoseconds) / GIGA)) {
        throw new Error(`${ns} + ${offset} became ${clock.seconds} s and ${clock.nanoseconds} ns`);
      }
    }
  });

  test.each([3600, -7200, 0.0011, -0.0011])("notices that the clock was set by %d s", (seconds) => {
    const offset = 1_790_000_000_123_456_789n;
    const clock = new WallClock(offset);
    expect(clock.isOff(Number(offset))).toBe(false);
    expect(clock.isOff(Number(offset) + 5e5)).toBe(false);
    const set = offset + BigInt(Math.round(seconds * 1e9));
    expect(clock.isOff(Number(set))).toBe(true);
    clock.adjust(set);
    expect([clock.isOff(Number(set)), clock.isOff(Number(offset))]).toEqual([false, true]);
  });

  test("applies a new offset", () => {
    const clock = new WallClock(5n * GIGA);
    clock.adjust(7n * GIGA + 9n);
    clock.set(0, 1);
    expect([clock.seconds, clock.nanoseconds]).toEqual([7, 10]);
  });
});
