import { describe, expect, test } from "bun:test";
import { KernelCounters } from "../../src/probes/counters.ts";
import { CPU_COUNTERS, EVENT_EXEC, EVENT_EXIT, EVENT_FORK } from "../../src/wire/layout.gen.ts";

const CPUS = 3;
const TYPES = { fork: EVENT_FORK, exec: EVENT_EXEC, exit: EVENT_EXIT } as const;
const KINDS = ["seen", "emitted", "ring_full", "no_ring", "filtered", "suppressed", "folded", "retried"] as const;

/** Memory of the counters, written as the kernel side writes it. */
class Memory {
  readonly bytes = new ArrayBuffer(CPUS * CPU_COUNTERS.size);
  readonly #view = new DataView(this.bytes);

  set(cpu: number, offset: number, value: bigint): void {
    this.#view.setBigUint64(cpu * CPU_COUNTERS.size + offset, value, true);
  }
}

const sum = (values: (number | undefined)[]) => values.reduce<number>((all, one) => all + (one ?? 0), 0);

const NONE = { fork: 0, exec: 0, exit: 0 };

describe("KernelCounters", () => {
  test("are sums over all CPUs, each read from its own offset", () => {
    const memory = new Memory();
    const expected: { [kind: string]: { [type: string]: number } } = {};
    let value = 1n;
    for (const kind of KINDS) {
      for (const [type, number] of Object.entries(TYPES)) {
        for (const cpu of [0, CPUS - 1]) {
          memory.set(cpu, CPU_COUNTERS[kind] + 8 * number, value);
          expected[kind] = { ...expected[kind], [type]: (expected[kind]?.[type] ?? 0) + Number(value) };
          value *= 2n;
        }
      }
    }
    memory.set(0, CPU_COUNTERS.threads_started, 5n);
    memory.set(2, CPU_COUNTERS.threads_started, 6n);
    memory.set(1, CPU_COUNTERS.threads_exited, 7n);
    const counts = new KernelCounters(memory.bytes).read();
    const { ring_full = {}, no_ring = {}, ...same } = expected;
    const lost_by_type = Object.fromEntries(
      Object.keys(TYPES).map((type) => [type, sum([ring_full[type], no_ring[type]])]),
    );
    const lost_by_reason = { ring_full: sum(Object.values(ring_full)), no_ring: sum(Object.values(no_ring)) };
    expect(counts).toMatchObject({ ...same, lost_by_type, lost_by_reason, threads: { started: 11, exited: 7 } });
    // Each value is a power of two and exact in a double, so each sum is unique.
    expect(value).toBeLessThan(2n ** 55n);
  });

  test("list losses only for CPUs that lost events, summed over all types", () => {
    const memory = new Memory();
    memory.set(0, CPU_COUNTERS.emitted + 8 * EVENT_FORK, 9n);
    memory.set(2, CPU_COUNTERS.ring_full + 8 * EVENT_FORK, 1n);
    memory.set(2, CPU_COUNTERS.no_ring + 8 * EVENT_EXEC, 2n);
    memory.set(2, CPU_COUNTERS.ring_full + 8 * EVENT_EXIT, 4n);
    expect(new KernelCounters(memory.bytes).lostByCpu()).toEqual([{ cpu: 2, ring_full: 5, no_ring: 2 }]);
  });

  test("have stamps that change only with the counters that they cover", () => {
    const memory = new Memory();
    const counters = new KernelCounters(memory.bytes);
    const stamps = () => [
      counters.lossStamp(),
      ...[0, 1, 2].map((cpu) => counters.noRingStamp(cpu)),
      ...[0, 1, 2].map((cpu) => counters.hotplugStamp(cpu)),
    ];
    expect(stamps()).toEqual([0, 0, 0, 0, 0, 0, 0]);
    memory.set(2, CPU_COUNTERS.ring_full + 8 * EVENT_EXIT, 2n ** 32n + 5n);
    expect(stamps()).toEqual([5, 0, 0, 0, 0, 0, 0]);
    memory.set(1, CPU_COUNTERS.no_ring + 8 * EVENT_FORK, 3n);
    expect(stamps()).toEqual([8, 0, 3, 0, 0, 0, 0]);
    memory.set(0, CPU_COUNTERS.hotplug_steps, 9n);
    memory.set(1, CPU_COUNTERS.emitted + 8 * EVENT_FORK, 100n);
    memory.set(1, CPU_COUNTERS.threads_exited, 100n);
    expect(stamps()).toEqual([8, 0, 3, 0, 9, 0, 0]);
  });

  test("are read from the kernel's memory each time", () => {
    const memory = new Memory();
    const counters = new KernelCounters(memory.bytes);
    expect(counters.read()).toMatchObject({ seen: NONE, emitted: NONE, threads: { started: 0, exited: 0 } });
    memory.set(1, CPU_COUNTERS.seen + 8 * EVENT_EXIT, 2n ** 40n);
    expect(counters.read().seen).toEqual({ fork: 0, exec: 0, exit: 2 ** 40 });
  });
});
