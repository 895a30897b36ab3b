import { describe, expect, test } from "bun:test";
import { unaccountedNs, userShareNs } from "../../src/process/cpu-time.ts";
import { Prng } from "../../src/stats/prng.ts";

describe("userShareNs", () => {
  // As cputime_adjust of kernel/sched/cputime.c.
  test.each([
    ["no tick at all: all of it user time", 1_234_567, 0, 0, 1_234_567],
    ["only user ticks", 5_000_001, 8_000_000, 0, 5_000_001],
    ["only system ticks", 5_000_001, 0, 4_000_000, 0],
    ["as many of both", 10_000_000, 4_000_000, 4_000_000, 5_000_000],
    ["three to one", 8_000_000, 12_000_000, 4_000_000, 6_000_000],
    ["nothing was run", 0, 4_000_000, 4_000_000, 0],
    ["nothing at all", 0, 0, 0, 0],
  ])("%s", (_, runtimeNs, utimeNs, stimeNs, userNs) => {
    expect(userShareNs(runtimeNs, utimeNs, stimeNs)).toBe(userNs);
  });

  test("is a whole number that leaves a whole number ≥ 0, and the right share to the precision of a double", () => {
    const prng = new Prng(1);
    const random = () => Math.floor(2 ** (prng.float() * 53));
    for (let i = 0; i < 100_000; i++) {
      const [runtimeNs, utimeNs, stimeNs] = [random(), random(), random()];
      const userNs = userShareNs(runtimeNs, utimeNs, stimeNs);
      if (!Number.isInteger(userNs) || userNs < 0 || userNs > runtimeNs) {
        throw new Error(`${runtimeNs} by ${utimeNs} and ${stimeNs} gives ${userNs}`);
      }
      const exact = (BigInt(runtimeNs) * BigInt(utimeNs)) / (BigInt(utimeNs) + BigInt(stimeNs));
      const error = Math.abs(userNs - Number(exact));
      if (error > 1 + runtimeNs * 2 ** -51) throw new Error(`${userNs} is off ${exact} by ${error}`);
    }
  });

  test.each([
    [7_481_163_435_236_445, 33_901_899_791_285_920],
    [8_301_506_701_138_488, 19_939_594_388_760_776],
  ])("is never more than the run time, where rounding would make it so", (runtimeNs, utimeNs) => {
    expect(userShareNs(runtimeNs, utimeNs, 1)).toBe(runtimeNs);
  });
});

describe("unaccountedNs", () => {
  test.each([
    ["what a tick would not have added up yet", 3_999_999, 3_999_999],
    ["nothing: added up just now", 0, 0],
    ["nothing: a clock that went backwards between queues", -1, 0],
    ["nothing: far backwards", -1e15, 0],
    ["nothing: more than any tick leaves open", 20_000_000, 0],
    ["all of the longest tick", 10_000_000, 10_000_000],
  ])("%s", (_, differenceNs, ns) => {
    expect(unaccountedNs(differenceNs, 1e9)).toBe(ns);
    expect(unaccountedNs(differenceNs, -1)).toBe(ns);
  });

  test("never more than the process lived", () => {
    expect(unaccountedNs(5_125_615, 1_430_930)).toBe(1_430_930);
  });
});
