import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import {
  bareFork,
  measureSlowdown,
  type Operation,
  runSlowdownRounds,
  type SlowdownRound,
  shareOf,
  slowdownByMetric,
  slowdownOf,
  spawnWithExec,
} from "../../src/measure/slowdown.ts";
import { Prng } from "../../src/stats/prng.ts";
import { blockSchedule } from "../../src/stats/schedule.ts";

const NOTHING: Operation = { name: "nothing", run() {} };

function madeUpRounds(addedUs: number, rounds = 30): SlowdownRound[] {
  const random = new Prng(1);
  return blockSchedule(["off", "null", "on"] as const, rounds, { seed: 1 }).map((order) => ({
    order: [...order],
    blocks: order.map((arm) => {
      const us = 40 + 0.5 * random.normal() + (arm === "on" ? addedUs : 0);
      return { n: 100, p10: us, p25: us + 1, p50: us + 2, mean: us + 5, cpuUs: us + 3 };
    }),
  }));
}

describe("slowdownOf", () => {
  test("returns µs, percentage, null difference and the smallest detectable slowdown", () => {
    const slowdown = slowdownOf("bare-fork", madeUpRounds(4));
    expect(slowdown).toMatchObject({ operation: "bare-fork", metric: "p25", rounds: 30 });
    expect(Math.abs(slowdown.us - 4)).toBeLessThan(0.4);
    expect(slowdown.usCi95[0]).toBeGreaterThan(3);
    expect(slowdown.nullUsCi95[0]).toBeLessThan(0);
    expect(slowdown.nullUsCi95[1]).toBeGreaterThan(0);
    expect(slowdown.smallestDetectableUs).toBeWithin(0.1, 0.6);
    expect(Math.abs(slowdown.operationUs - 41)).toBeLessThan(0.4);
    expect(slowdown.pct).toBeCloseTo((100 * slowdown.us) / slowdown.operationUs, 9);
    expect(slowdown.ci95[0]).toBeCloseTo((100 * slowdown.usCi95[0]) / slowdown.operationUs, 9);
  });

  test("can be computed again from rounds that went through JSON", () => {
    const rounds = madeUpRounds(1);
    expect(slowdownOf("x", JSON.parse(JSON.stringify(rounds)), { seed: 3 })).toEqual(
      slowdownOf("x", rounds, { seed: 3 }),
    );
  });

  test("is computed for every metric of a block", () => {
    const all = slowdownByMetric("x", madeUpRounds(10));
    expect(all.map(({ metric }) => metric)).toEqual(["p25", "p10", "p50", "mean", "cpu"]);
    for (const { us } of all) expect(Math.abs(us - 10)).toBeLessThan(0.5);
  });

  test("has infinite intervals with too few rounds", () => {
    const { usCi95, smallestDetectableUs } = slowdownOf("x", madeUpRounds(1, 3));
    expect(usCi95).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect(smallestDetectableUs).toBe(Number.POSITIVE_INFINITY);
  });

  test("shareOf returns a slowdown in percent of another operation", () => {
    expect(shareOf({ us: 2, usCi95: [1, 3] }, 400)).toEqual({ pct: 0.5, ci95: [0.25, 0.75] });
  });
});

describe("runSlowdownRounds", () => {
  test("switches only where the state changes, is on for `on` blocks only, and ends off", async () => {
    let isOn = false;
    const switches: boolean[] = [];
    const during: boolean[] = [];
    const rounds = await runSlowdownRounds({
      operation: { name: "watch", run: () => void during.push(isOn) },
      arm(on) {
        expect(on).not.toBe(isOn);
        isOn = on;
        switches.push(on);
      },
      rounds: 6,
      repetitions: 1,
      warmup: 0,
      seed: 5,
    });
    expect(isOn).toBe(false);
    expect(switches.length).toBeGreaterThan(0);
    // The burn-in comes first.
    expect(during.slice(-36)).toEqual(rounds.flatMap(({ order }) => order.map((arm) => arm === "on")));
    for (const { order, blocks } of rounds) {
      expect(order.toSorted()).toEqual(["null", "null", "off", "off", "on", "on"]);
      expect(blocks.map(({ n }) => n)).toEqual([1, 1, 1, 1, 1, 1]);
    }
  });

  test("pins only the blocks to one CPU, not the code that switches between them", async () => {
    const allowed = () => /^Cpus_allowed:\s+(\S+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "";
    const cpus = (mask: string) =>
      mask
        .replace(/[^0-9a-f]/g, "")
        .replace(/./g, (digit) => Number.parseInt(digit, 16).toString(2))
        .match(/1/g)?.length;
    const before = allowed();
    const inBlocks = new Set<number | undefined>();
    const between = new Set<string>();
    await runSlowdownRounds({
      operation: { name: "look", run: () => void inBlocks.add(cpus(allowed())) },
      arm: () => void between.add(allowed()),
      rounds: 2,
      repetitions: 1,
    });
    expect([...inBlocks]).toEqual([1]);
    expect([...between]).toEqual([before]);
    expect(allowed()).toBe(before);
  });

  test("leaves the subject off when the operation fails, and when switching on fails", async () => {
    let isOn = false;
    const failing = () =>
      runSlowdownRounds({
        operation: {
          name: "fails when on",
          run() {
            if (isOn) throw new Error("no process");
          },
        },
        arm(on) {
          isOn = on;
        },
      });
    await expect(failing()).rejects.toThrow("no process");
    expect(isOn).toBe(false);

    const calls: boolean[] = [];
    const refusing = () =>
      runSlowdownRounds({
        operation: NOTHING,
        async arm(on) {
          calls.push(on);
          if (on) throw new Error("cannot attach");
        },
      });
    await expect(refusing()).rejects.toThrow("cannot attach");
    expect(calls).toEqual([true, false]);
  });

  test("returns the complete rounds and leaves the subject off after an abort", async () => {
    const abort = new AbortController();
    let isOn = false;
    const rounds = await runSlowdownRounds({
      operation: NOTHING,
      arm(on) {
        isOn = on;
      },
      rounds: 50,
      repetitions: 2,
      signal: abort.signal,
      onRound: (done) => done === 3 && abort.abort(),
    });
    expect(rounds).toHaveLength(3);
    expect(isOn).toBe(false);
  });

  test("starts no round after its time budget, and stops if the interval is narrow enough", async () => {
    const base = { operation: NOTHING, arm() {}, rounds: 200, repetitions: 2 };
    expect(await runSlowdownRounds({ ...base, budgetMs: 0 })).toHaveLength(1);
    expect(await runSlowdownRounds({ ...base, enoughUs: 1e9 })).toHaveLength(12);
  });

  test("finds a wait of known size added to a real fork", async () => {
    const fork = bareFork();
    let waitNs = 0;
    const { slowdown } = await measureSlowdown({
      operation: {
        name: fork.name,
        run() {
          fork.run();
          const end = Bun.nanoseconds() + waitNs;
          while (Bun.nanoseconds() < end);
        },
      },
      arm(on) {
        waitNs = on ? 1e6 : 0;
      },
      rounds: 12,
      repetitions: 40,
    });
    // On a busy machine the size is not exact; bench/slowdown-known.ts checks the size.
    expect(slowdown.usCi95[0]).toBeGreaterThan(0);
    expect(slowdown.rounds).toBe(12);
  });
});

describe("the operations", () => {
  test("leave no child and no open file behind", async () => {
    // Descriptors that Bun opens and closes by itself (epoll, pidfds, pipes) are no files.
    const fds = () => {
      const links = readdirSync("/proc/self/fd").map((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`);
        } catch {
          return "";
        }
      });
      return links.filter((link) => link.startsWith("/") && !link.startsWith("/proc/")).length;
    };
    const fork = bareFork();
    const spawn = spawnWithExec();
    fork.run();
    spawn.run();
    const before = fds();
    for (let i = 0; i < 20; i++) {
      fork.run();
      spawn.run();
    }
    expect(fds()).toBe(before);
    const children = Bun.spawnSync(["ps", "--ppid", String(process.pid), "-o", "stat=,comm="]).stdout.toString();
    expect(children).not.toContain("true");
    expect(children).not.toMatch(/^Z/m);
  });

  test("throw an error for a program that does not exist", () => {
    expect(() => spawnWithExec("/nonexistent").run()).toThrow("/nonexistent");
  });
});
