import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { RingWriteLoops, timeRingWrites } from "../../src/overhead/steps/ring-write.ts";
import { onlineCpus, possibleCpus } from "../../src/sys/cpus.ts";
import { NativeError } from "../../src/sys/errno.ts";
import { TIMED_WRITES } from "../../src/wire/layout.gen.ts";
import { titled, whyNotHere } from "./support/needs.ts";

const reason = whyNotHere();

describe.skipIf(reason !== null)(titled("the loops that time a write to a ring", reason), () => {
  test("write the expected records with one program, on any CPU, and more records than the ring has room for", () => {
    for (const cpu of onlineCpus()) {
      using loops = new RingWriteLoops(cpu);
      for (let i = 0; i < 20; i++) {
        // Each run compares the records in the ring with those that it expects.
        for (const writes of [true, false]) expect(loops.run(writes)).toBeGreaterThan(0);
        expect(loops.records).toBe(TIMED_WRITES);
      }
    }
  });

  test("fail with the reason for a CPU that does not exist", () => {
    expect(() => new RingWriteLoops(Math.max(...possibleCpus()) + 1)).toThrow(NativeError);
  });

  test("return a time for each batch, and leave no file descriptor behind", async () => {
    const { signal } = new AbortController();
    await timeRingWrites(signal);
    const before = readdirSync("/proc/self/fd").length;
    const timed = await timeRingWrites(signal);
    expect(timed).toMatchObject({ items: TIMED_WRITES, bytes: 168 });
    expect("batches" in timed ? timed.batches.length : 0).toBe(100);
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });
});
