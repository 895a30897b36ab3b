import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { CLOCK, clockNs, RelativeClock } from "../../src/sys/clock.ts";
import { errnoName } from "../../src/sys/errno.ts";
import { cString, ExitWatch, kill, reap, Spawner, sleepNs } from "../../src/sys/spawn.ts";

const TRUE = cString("/bin/true");
const SH = cString("/bin/sh");

function openFds(): string[] {
  return readdirSync("/proc/self/fd");
}

/** Waits for a child of this test by its exit watch. */
function waitFor(watch: ExitWatch, pid: number) {
  const ended = new Int32Array(16);
  for (;;) {
    watch.wait(10e9);
    const n = watch.ended(ended);
    if (ended.subarray(0, n).includes(pid)) break;
  }
  const usage = reap(pid);
  watch.remove(pid);
  return usage;
}

describe("clocks", () => {
  test("the boot-time clock agrees with /proc/uptime", () => {
    const before = clockNs(CLOCK.boottime);
    const uptimeS = Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]);
    const after = clockNs(CLOCK.boottime);
    expect(Number(before) / 1e9).toBeLessThan(uptimeS + 0.02);
    expect(Number(after) / 1e9).toBeGreaterThan(uptimeS - 0.02);
  });

  test("a relative clock continues from its origin, also across full seconds", () => {
    const clock = new RelativeClock(CLOCK.boottime);
    let last = 0;
    for (let i = 0; i < 1000; i++) {
      const low = clockNs(CLOCK.boottime);
      const now = clock.now();
      const high = clockNs(CLOCK.boottime);
      expect(clock.originNs + BigInt(now)).toBeGreaterThanOrEqual(low);
      expect(clock.originNs + BigInt(now)).toBeLessThanOrEqual(high);
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
      if (i % 10 === 0) sleepNs(12e6);
    }
  });
});

describe("Spawner", () => {
  test("returns the pid of the child, and reap() returns its status and usage", () => {
    using spawner = new Spawner(["A=1"]);
    using watch = new ExitWatch();
    for (const [script, status] of [
      ["exit 0", 0],
      ["exit 7", 7 << 8],
      ["kill -KILL $$", 9],
      ['test "$A" = 1 && exit 3', 3 << 8],
      // An empty last argument arrives.
      ['test "$#$2" = 2 && exit 4', 4 << 8],
    ] as const) {
      const pid = spawner.spawn(SH, ["sh", "-c", script, "x", "ä\n", ""]);
      expect(pid).toBeGreaterThan(0);
      expect(watch.add(pid)).toBe(true);
      expect(waitFor(watch, pid)).toMatchObject({ pid, status });
    }
    expect(reap(-1)).toBeNull();
  });

  test("has the usage of the child alone", () => {
    using spawner = new Spawner([]);
    using watch = new ExitWatch();
    const pid = spawner.spawn(SH, ["sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"]);
    watch.add(pid);
    const usage = waitFor(watch, pid);
    expect((usage?.userUs ?? 0) + (usage?.systemUs ?? 0)).toBeGreaterThan(5_000);
    expect(usage?.minorFaults).toBeGreaterThan(0);
  });

  test("returns a negative error number for a program that does not exist", () => {
    using spawner = new Spawner([]);
    expect(errnoName(-spawner.spawn(cString("/nonexistent"), ["x"]))).toBe("ENOENT");
    expect(reap(-1)).toBeNull();
  });

  test("names errors by errnoName()", () => {
    expect([1, 2, 11, 12, 24, 9999].map(errnoName)).toEqual([
      "EPERM",
      "ENOENT",
      "EAGAIN",
      "ENOMEM",
      "EMFILE",
      "errno 9999",
    ]);
  });

  test("refuses too many or too long arguments", () => {
    using spawner = new Spawner([]);
    expect(() => spawner.spawn(TRUE, Array(600).fill("x"))).toThrow(RangeError);
    expect(() => spawner.spawn(TRUE, ["x", "y".repeat(70_000)])).toThrow(RangeError);
  });

  test("throws after it was disposed", () => {
    const spawner = new Spawner([]);
    spawner[Symbol.dispose]();
    spawner[Symbol.dispose]();
    expect(() => spawner.spawn(TRUE, ["true"])).toThrow("closed");
  });
});

describe("ExitWatch", () => {
  test("reports each of many children that end in any order, and leaks no descriptor", () => {
    const before = openFds().length;
    {
      using spawner = new Spawner([]);
      using watch = new ExitWatch();
      const alive = new Set<number>();
      for (let i = 0; i < 40; i++) {
        const pid = spawner.spawn(cString("/bin/sleep"), ["sleep", String((40 - i) / 1000)]);
        expect(watch.add(pid)).toBe(true);
        alive.add(pid);
      }
      // If more children are ready than the batch holds, the call reports that there are more.
      sleepNs(60e6);
      const ended = new Int32Array(8);
      while (alive.size > 0) {
        watch.wait(10e9);
        const n = watch.ended(ended);
        expect(watch.more).toBe(n === ended.length);
        for (const pid of ended.subarray(0, n)) {
          expect(reap(pid)?.pid).toBe(pid);
          watch.remove(pid);
          expect(alive.delete(pid)).toBe(true);
        }
      }
      const pid = spawner.spawn(cString("/bin/sleep"), ["sleep", "100"]);
      watch.add(pid);
      expect(watch.ended(ended)).toBe(0);
      expect(kill(pid, 9)).toBe(true);
      expect(waitFor(watch, pid)?.status).toBe(9);
      // Left in the set on purpose: disposing closes it.
      watch.add(process.pid);
    }
    expect(openFds().length).toBe(before);
  });

  test("returns false for a process that does not exist", () => {
    using watch = new ExitWatch();
    expect(watch.add(2 ** 22 + 5)).toBe(false);
  });

  test("throws after it was disposed", () => {
    const watch = new ExitWatch();
    watch[Symbol.dispose]();
    watch[Symbol.dispose]();
    expect(() => watch.wait(1)).toThrow("closed");
    expect(() => watch.ended(new Int32Array(1))).toThrow("closed");
  });
});
