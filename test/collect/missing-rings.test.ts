import { afterEach, beforeEach, expect, test } from "bun:test";
import { constants } from "node:os";
import { MAPPING_A_RING } from "../../src/bpf/perf-event-ring.ts";
import { Conditions } from "../../src/collect/conditions.ts";
import { cpuList, reportMissingRings } from "../../src/collect/missing-rings.ts";
import { setLogLevel } from "../../src/config/log.ts";
import { NativeError } from "../../src/sys/errno.ts";

beforeEach(() => setLogLevel("error"));
afterEach(() => setLogLevel("info"));

test("CPUs are listed as the kernel lists them", () => {
  expect(cpuList([])).toBe("");
  expect(cpuList([3])).toBe("3");
  expect(cpuList([5, 0, 2, 1, 7, 8])).toBe("0-2,5,7-8");
});

test("no_ring is active while an online CPU has no ring, and names the CPU and the reason", () => {
  const conditions = new Conditions();
  const refused = new NativeError("perf_event_open", constants.errno.EACCES);
  reportMissingRings(new Map([[1, refused]]), conditions);
  expect(conditions.active.get("no_ring")).toStartWith(
    "CPU 1 has no ring of its own since it came online: perf_event_open: EACCES",
  );
  reportMissingRings(
    new Map([1, 2, 3].map((cpu) => [cpu, new NativeError(MAPPING_A_RING, constants.errno.EPERM)])),
    conditions,
  );
  expect(conditions.active.get("no_ring")).toStartWith(
    "CPUs 1-3 have no ring of their own since they came online: mapping a ring: EPERM",
  );
  reportMissingRings(new Map(), conditions);
  expect(conditions.active.size).toBe(0);
});
