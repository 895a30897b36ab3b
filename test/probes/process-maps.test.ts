import { describe, expect, test } from "bun:test";
import { needsPreallocation, type ProcessLimits, processMapSizes } from "../../src/probes/process-maps.ts";

const LIMITS: ProcessLimits = {
  release: "5.10.0-32-cloud-amd64",
  maxThreads: Number.POSITIVE_INFINITY,
  maxPid: 4_194_304,
};
/** Bytes of key and value of tracked_pids, missed_execs, thread_groups and forked_at. */
const ALL_MAPS = [16, 16, 32, 16];
/** Memory with the largest element and bucket, by kernel/bpf/hashtab.c on PREEMPT_RT. */
const bytesOf = (maps: readonly number[], entries: number) =>
  maps.reduce((sum, data) => sum + entries * (48 + data) + 2 ** Math.ceil(Math.log2(entries)) * 40, 0);

describe("maps are preallocated", () => {
  test.each([
    ["4.19.0", true],
    ["5.10.0-32-cloud-amd64", true],
    ["5.10.0-32-rt-amd64", true],
    ["5.15.0-105-generic", true],
    ["6.0.12", true],
    ["6.1.0-50-cloud-amd64", false],
    ["6.1", false],
    ["6.12.117+deb13-cloud-amd64", false],
    ["10.0.0", false],
    ["unknown", true],
    ["", true],
  ])("on kernel %p: %p", (release, expected) => {
    expect(needsPreallocation(release)).toBe(expected);
    expect(processMapSizes({ ...LIMITS, release }, ALL_MAPS).preallocates).toBe(expected);
  });
});

describe("maps with an entry for each process", () => {
  test("use less than 8 MiB together if preallocated, and have thousands of entries", () => {
    for (const maps of [ALL_MAPS, [32], [16], [16, 16], [16, 16, 32]]) {
      const { entries } = processMapSizes(LIMITS, maps);
      expect(bytesOf(maps, entries)).toBeLessThan(8 * 2 ** 20);
      expect(entries).toBeGreaterThanOrEqual(16_384);
    }
  });

  test("have no more entries than the machine can have processes", () => {
    // The limit that the kernel sets with 256 MB of memory.
    const { entries } = processMapSizes({ ...LIMITS, maxThreads: 1900 }, ALL_MAPS);
    expect(entries).toBe(1900);
    expect(bytesOf(ALL_MAPS, entries)).toBeLessThan(2 ** 20);
    expect(processMapSizes({ ...LIMITS, release: "6.12.1", maxPid: 32_768 }, ALL_MAPS).entries).toBe(32_768);
  });

  test("have at least 1024 entries, and 262144 if elements are allocated on demand", () => {
    expect(processMapSizes({ ...LIMITS, maxThreads: 20 }, ALL_MAPS).entries).toBe(1024);
    expect(processMapSizes({ ...LIMITS, release: "6.12.1" }, ALL_MAPS).entries).toBe(262_144);
    expect(processMapSizes(LIMITS, []).entries).toBe(262_144);
  });
});
