import { expect, test } from "bun:test";
import { looksBetween, looksPerSecond, loopCpuNs } from "../../src/compare/looks.ts";
import type { MethodReading } from "../../src/compare/method-meter.ts";

function reading(figures: Partial<MethodReading>): MethodReading {
  return {
    atNs: 0,
    bootNs: 0,
    cpuNs: 0,
    waitedForNs: 0,
    pids: [],
    threadNs: 0,
    programs: null,
    bytesWritten: 0,
    forks: null,
    ...figures,
  };
}

test("a program that keeps running is measured by its own clock", () => {
  const looks = looksBetween(reading({ cpuNs: 80e6 }), reading({ atNs: 5e9, cpuNs: 90e6 }), null, 6);
  expect(looks).toEqual({ count: 5, elapsedNs: 5e9, cpuNs: 10e6, isLoop: false });
});

test("a loop of programs is measured by the exact sum at its end, divided by its number of looks", () => {
  const usage = { cpuUserUs: 30_000, cpuSystemUs: 30_000 };
  const last = reading({ atNs: 5e9, cpuNs: 52e6, waitedForNs: 50e6 });
  const looks = looksBetween(reading({ cpuNs: 10e6 }), last, usage, 6);
  expect(looks).toEqual({ count: 5, elapsedNs: 5e9, cpuNs: 50e6, isLoop: true });
  // A look takes 10 ms, a pause 990 ms.
  expect(loopCpuNs(looks ?? expect.unreachable(), 990, 2e9)).toBeCloseTo(20e6, 3);
});

test("a single look gives no figure", () => {
  expect(looksBetween(reading({}), reading({}), null, 1)).toBeNull();
});

test("the rate is the nominal rate if the number of looks agrees with it", () => {
  expect(looksPerSecond({ count: 4, elapsedNs: 4.7e9 }, 1000)).toBe(1);
  expect(looksPerSecond({ count: 4, elapsedNs: 9e9 }, 1000)).toBe(0.5);
});
