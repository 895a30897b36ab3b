import { describe, expect, test } from "bun:test";
import { StormBirths } from "../../src/probes/storm-births.ts";
import { cpuShare, StormLimit } from "../../src/probes/storm-limit.ts";
import { DETAIL, STORM_BIRTHS } from "../../src/wire/layout.gen.ts";

describe("the limit of sources", () => {
  test("the shares of all CPUs add up to at most the rate of a source", () => {
    for (const cpus of [1, 2, 3, 16, 128, 1024]) {
      for (const rate of [1, 20, 1000, 13_107, 1_000_000]) {
        const perSecond = cpuShare(rate, cpus) * cpus * 20;
        expect(perSecond).toBeLessThanOrEqual(rate);
        expect(perSecond).toBeGreaterThan(rate - 20 * cpus);
      }
    }
  });

  test("is written before the mode switches the programs on, and is removed only by the mode", () => {
    const memory = new ArrayBuffer(DETAIL.size);
    const words = new Uint32Array(memory);
    const eventNs = () => words[DETAIL.event_ns / 4];
    const switched: [boolean, number | undefined][] = [];
    const limit = new StormLimit(memory, 2, {
      set storms(isOn: boolean) {
        switched.push([isOn, eventNs()]);
      },
    });
    new BigUint64Array(memory, DETAIL.busy_until_ns, 1)[0] = 7n;
    limit.rate = 500;
    expect([switched, words[DETAIL.cpu_share / 4]]).toEqual([[[true, 2_000_000]], 12]);
    // State of processes from before the switch is no longer valid.
    expect(new BigUint64Array(memory, DETAIL.busy_until_ns, 1)[0]).toBe(0n);
    limit.rate = 2e9;
    expect(eventNs()).toBe(1);
    limit.rate = 0;
    expect(switched.at(-1)).toEqual([false, 1]);
  });
});

test("is written with the ring share and the number of drains", () => {
  const memory = new ArrayBuffer(DETAIL.size);
  const words = new Uint32Array(memory);
  const limit = new StormLimit(memory, 2, { storms: false });
  limit.ringShare = 131_072;
  limit.drained();
  limit.drained();
  expect([words[DETAIL.ring_share / 4], words[DETAIL.drains / 4]]).toEqual([131_072, 2]);
});

describe("processes whose execs were only counted", () => {
  const limits = new ArrayBuffer(DETAIL.size);
  new Uint32Array(limits)[DETAIL.epoch / 4] = 3;
  const word = (pid: number, { missed = true, epoch = 3 } = {}) =>
    (BigInt(epoch) << 42n) | (BigInt(pid >> 14) << 34n) | (missed ? 1n << 32n : 0n) | 5n;

  test("are listed and forgotten by pid, unlike other processes in the same slot", () => {
    const memory = new ArrayBuffer(STORM_BIRTHS * 8);
    const words = new BigUint64Array(memory);
    const births = new StormBirths(memory, limits);
    const high = 3 * STORM_BIRTHS + 20;
    words[10] = word(10);
    words[11] = word(11, { missed: false });
    words[12] = word(12, { epoch: 2 });
    words[20] = word(high);
    expect(births.missed(256)).toEqual([10, high]);
    expect(births.missed(1)).toEqual([10]);
    expect([10, 11, 12, 20, high].map((pid) => births.hasMissed(pid))).toEqual([true, false, false, false, true]);
    births.forget(20);
    births.forget(high);
    expect(births.missed(256)).toEqual([10]);
    expect(words[20]).toBe(word(high, { missed: false }));
  });
});
