import { describe, expect, test } from "bun:test";
import { unaccountedNs, userShareNs } from "../../src/process/cpu-time.ts";
import { Prng } from "../../src/stats/prng.ts";

describe("userShareNs", () => {
  // The same results as cputime_adjust of kernel/sched/cputime.c.
  test.each([
    ["is the whole run time without any tick", 1_234_567, 0, 0, 1_234_567],
    ["is the whole run time with only user ticks", 5_000_001, 8_000_000, 0, 5_000_001],
    ["is 0 with only system ticks", 5_000_001, 0, 4_000_000, 0],
    ["is half with equal ticks", 10_000_000, 4_000_000, 4_000_000, 5_000_000],
    ["is three quarters with ticks of three to one", 8_000_000, 12_000_000, 4_000_000, 6_000_000],
    ["is 0 without run time", 0, 4_000_000, 4_000_000, 0],
    ["is 0 without run time and ticks", 0, 0, 0, 0],
  ])("%s", (_, runtimeNs, utimeNs, stimeNs, userNs) => {
    expect(userShareNs(runtimeNs, utimeNs, stimeNs)).toBe(userNs);
  });

  test("is a whole number from 0 to the run time, and exact to the precision of a double", () => {
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
  ])("is at most the run time, also if rounding would exceed it", (runtimeNs, utimeNs) => {
    expect(userShareNs(runtimeNs, utimeNs, 1)).toBe(runtimeNs);
  });
});

describe("unaccountedNs", () => {
  test.each([
    ["is time that no tick has added yet", 3_999_999, 3_999_999],
    ["is 0 if all was added just now", 0, 0],
    ["is 0 if the clock went backwards between queues", -1, 0],
    ["is 0 if the clock went far backwards", -1e15, 0],
    ["is 0 for more time than a tick can leave open", 20_000_000, 0],
    ["is the whole length of the longest tick", 10_000_000, 10_000_000],
  ])("%s", (_, differenceNs, ns) => {
    expect(unaccountedNs(differenceNs, 1e9)).toBe(ns);
    expect(unaccountedNs(differenceNs, -1)).toBe(ns);
  });

  test("is at most the lifetime of the process", () => {
    expect(unaccountedNs(5_125_615, 1_430_930)).toBe(1_430_930);
  });
});
