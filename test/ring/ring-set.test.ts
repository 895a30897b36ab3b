import { describe, expect, test } from "bun:test";
import { PerfRing } from "../../src/ring/perf-ring.ts";
import { RingSet } from "../../src/ring/ring-set.ts";
import { Prng } from "../../src/stats/prng.ts";
import { PROCESS_EVENT } from "../../src/wire/layout.gen.ts";
import type { Record } from "../../src/wire/record.ts";
import { forkRecord } from "../wire/make-record.ts";
import { KernelRing } from "./kernel-ring.ts";

/** Records younger than this at a look wait for the next look: IN_FLIGHT_NS of src/ring/ring-set.ts. */
const IN_FLIGHT_NS = 10_000;

/** Rings of a machine, with a clock that only the test advances. */
class Machine {
  readonly kernel: KernelRing[];
  readonly rings: PerfRing[];
  readonly set: RingSet;
  nowNs = 0;
  /** Called at each look at the clock, before the rings' heads are read. */
  atLook = () => {};

  constructor(cpus: number, ringBytes = 64 * 1024) {
    this.kernel = Array.from({ length: cpus }, (_, cpu) => new KernelRing(ringBytes, BigInt(cpu * 8)));
    this.rings = this.kernel.map(({ mapping }) => new PerfRing(mapping));
    const now = () => {
      const { nowNs } = this;
      this.atLook();
      return nowNs;
    };
    this.set = new RingSet(this.rings, { timestampOffset: PROCESS_EVENT.ts_ns, now });
  }

  /** Writes a record of a CPU with this time, and with `id` as its pid. */
  write(cpu: number, tsNs: number, id: number): boolean {
    return (this.kernel[cpu] as KernelRing).sample(forkRecord({ cpu, ts_ns: tsNs, pid: id }));
  }

  drain(): Given[] {
    const given: Given[] = [];
    this.set.drain((record) => given.push(seen(record)));
    return given;
  }

  drainAll(): Given[] {
    const given: Given[] = [];
    this.set.drainAll((record) => given.push(seen(record)));
    return given;
  }
}

interface Given {
  cpu: number;
  tsNs: number;
  id: number;
}

function seen(record: Record): Given {
  return {
    cpu: record.u16(PROCESS_EVENT.cpu),
    tsNs: record.u64(PROCESS_EVENT.ts_ns),
    id: record.u32(PROCESS_EVENT.pid),
  };
}

describe("the order", () => {
  test.each(Array.from({ length: 16 }, (_, i) => i + 1))("of records of %i rings is by time", (cpus) => {
    for (let seed = 0; seed < 20; seed++) {
      const prng = new Prng(1000 * cpus + seed);
      const machine = new Machine(cpus);
      const written: Given[] = [];
      // The time increases with each record, on a random CPU. All times differ.
      for (let i = 0; i < 300; i++) {
        const given = { cpu: prng.index(cpus), tsNs: 2 ** 40 + 100 * i + prng.index(100), id: i };
        expect(machine.write(given.cpu, given.tsNs, given.id)).toBe(true);
        written.push(given);
      }
      machine.nowNs = 2 ** 41;
      expect(machine.drain()).toEqual(written.toSorted((a, b) => a.tsNs - b.tsNs));
      expect(machine.set.received).toBe(written.length);
      expect(machine.set.outOfOrder).toBe(0);
    }
  });

  test("of records with equal times is their order in each ring", () => {
    const prng = new Prng(7);
    const machine = new Machine(4);
    for (let id = 0; id < 400; id++) machine.write(prng.index(4), 1000 + Math.floor(id / 40), id);
    const given = machine.drainAll();
    expect(given.map(({ tsNs }) => tsNs)).toEqual(given.map(({ tsNs }) => tsNs).toSorted((a, b) => a - b));
    for (let cpu = 0; cpu < 4; cpu++) {
      const ids = given.filter((one) => one.cpu === cpu).map(({ id }) => id);
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    }
  });

  test("is kept over many drains with any horizon", () => {
    for (let seed = 0; seed < 25; seed++) {
      const prng = new Prng(seed);
      const cpus = 1 + prng.index(8);
      const machine = new Machine(cpus, 4096);
      const written: Given[] = [];
      const given: Given[] = [];
      let clock = 1_000_000;
      for (let round = 0; round < 60; round++) {
        for (let i = prng.index(30); i > 0; i--) {
          clock += 1 + prng.index(3000);
          const one = { cpu: prng.index(cpus), tsNs: clock, id: written.length };
          if (machine.write(one.cpu, one.tsNs, one.id)) written.push(one);
        }
        clock += prng.index(5000);
        machine.nowNs = clock;
        given.push(...machine.drain());
        // All records that are old enough, and no others.
        expect(given).toEqual(written.filter(({ tsNs }) => tsNs <= machine.nowNs - IN_FLIGHT_NS));
      }
      given.push(...machine.drainAll());
      expect(given).toEqual(written);
      expect(machine.set.outOfOrder).toBe(0);
      expect(machine.kernel.every(({ head, tail }) => head === tail)).toBe(true);
    }
  });
});

describe("the horizon", () => {
  test("is exactly ten microseconds before now", () => {
    const machine = new Machine(1);
    machine.nowNs = 1_000_000;
    machine.write(0, 1_000_000 - IN_FLIGHT_NS, 1);
    machine.write(0, 1_000_000 - IN_FLIGHT_NS + 1, 2);
    expect(machine.drain().map(({ id }) => id)).toEqual([1]);
    machine.nowNs += 1;
    expect(machine.drain().map(({ id }) => id)).toEqual([2]);
  });

  test("makes drain return whether a record was too young, and is ignored by drainAll", () => {
    const machine = new Machine(2);
    expect(machine.set.drain(() => {})).toBe(false);
    machine.nowNs = 1_000_000;
    machine.write(1, machine.nowNs, 1);
    expect(machine.set.drain(() => {})).toBe(true);
    expect(machine.set.received).toBe(0);
    expect(machine.drainAll().map(({ id }) => id)).toEqual([1]);
    expect(machine.set.drain(() => {})).toBe(false);
  });

  test("makes a younger record of one CPU wait for an older record that another CPU is still writing", () => {
    const machine = new Machine(2);
    machine.nowNs = 1_000_000;
    machine.write(0, 998_000, 2);
    expect(machine.drain()).toEqual([]);
    // CPU 1 read its clock before CPU 0, but its record becomes visible only now.
    machine.write(1, 995_000, 1);
    machine.nowNs = 1_020_000;
    expect(machine.drain().map(({ id }) => id)).toEqual([1, 2]);
    expect(machine.set.outOfOrder).toBe(0);
  });

  test("a drain looks again while records are left and the clock advances, but not forever", () => {
    const machine = new Machine(1);
    machine.nowNs = 1_000_000;
    machine.write(0, 1_000_000, 1);
    let looks = 0;
    machine.atLook = () => {
      looks++;
      machine.nowNs += 6000;
    };
    expect(machine.drain().map(({ id }) => id)).toEqual([1]);
    expect(looks).toBe(3);

    machine.atLook = () => {
      looks++;
    };
    machine.write(0, machine.nowNs, 2);
    looks = 0;
    expect(machine.drain()).toEqual([]);
    expect(looks).toBe(4);
  });

  test("records written during a look keep cause before effect", () => {
    // The record of the cause is in its ring before the effect gets its time, on any CPUs. Both may be written at
    // any moment around the looks: between reading the clock and reading the heads, or between two drains.
    for (let seed = 0; seed < 100; seed++) {
      const prng = new Prng(seed);
      const cpus = 2 + prng.index(6);
      const machine = new Machine(cpus);
      machine.nowNs = 1_000_000;
      let id = 0;
      const writePairs = () => {
        for (let i = prng.index(4); i > 0; i--) {
          machine.nowNs += 1 + prng.index(IN_FLIGHT_NS);
          machine.write(prng.index(cpus), machine.nowNs, id++);
          machine.nowNs += 1 + prng.index(2 * IN_FLIGHT_NS);
          machine.write(prng.index(cpus), machine.nowNs, id++);
        }
      };
      machine.atLook = writePairs;
      const given: number[] = [];
      for (let round = 0; round < 20; round++) {
        writePairs();
        given.push(...machine.drain().map((one) => one.id));
      }
      given.push(...machine.drainAll().map((one) => one.id));
      expect(given).toEqual([...Array(id).keys()]);
      expect(machine.set.outOfOrder).toBe(0);
    }
  });
});

describe("faults", () => {
  test("records that arrive after a younger record are delivered and counted", () => {
    const machine = new Machine(2);
    machine.nowNs = 1_000_000;
    machine.write(0, 500_000, 1);
    machine.write(0, 600_000, 2);
    expect(machine.drain().map(({ id }) => id)).toEqual([1, 2]);
    // CPU 1 was delayed for long between reading its clock and writing.
    machine.write(1, 550_000, 3);
    machine.write(1, 560_000, 4);
    machine.write(0, 700_000, 5);
    expect(machine.drain().map(({ id }) => id)).toEqual([3, 4, 5]);
    expect(machine.set.outOfOrder).toBe(2);
    expect(machine.set.received).toBe(5);
  });

  test("records of a ring that are out of order are delivered in the order of the ring", () => {
    const machine = new Machine(2);
    machine.write(0, 300, 1);
    machine.write(0, 100, 2);
    machine.write(0, 400, 3);
    machine.write(1, 200, 4);
    // The first record of ring 0 hides the records after it.
    expect(machine.drainAll().map(({ id }) => id)).toEqual([4, 1, 2, 3]);
    expect(machine.set.outOfOrder).toBe(1);
  });

  test("a consumer that throws does not receive the same record again, and no other record is lost", () => {
    for (let failing = 0; failing < 40; failing++) {
      const machine = new Machine(3);
      for (let id = 0; id < 40; id++) machine.write(id % 3, 1000 + id, id);
      machine.nowNs = 1_000_000;
      const given: number[] = [];
      const consume = (record: Record) => {
        const { id } = seen(record);
        if (id === failing) throw new Error(`no ${id}`);
        given.push(id);
      };
      expect(() => machine.set.drain(consume)).toThrow(`no ${failing}`);
      expect(given).toEqual([...Array(failing).keys()]);
      // The space of delivered records is released, including that of the failed record.
      const size = KernelRing.sizeOf(forkRecord({ pid: 1 }).length);
      const handedBack = machine.kernel.map(({ tail }, cpu) => (Number(tail) - 8 * cpu) / size);
      expect(handedBack.reduce((sum, count) => sum + count, 0)).toBe(failing + 1);
      machine.set.drain(consume);
      expect(given).toEqual([...Array(40).keys()].filter((id) => id !== failing));
      expect(machine.set.received).toBe(40);
      expect(machine.kernel.every(({ head, tail }) => head === tail)).toBe(true);
    }
  });

  test("losses are counted by ring", () => {
    const machine = new Machine(3);
    machine.kernel[1]?.lost(5n);
    machine.write(1, 100, 1);
    machine.kernel[1]?.lost(2n);
    machine.kernel[2]?.lost(1n);
    expect(machine.drainAll().length).toBe(1);
    expect(machine.set.lostByRing).toEqual([0, 7, 1]);
    expect(machine.set.received).toBe(1);
  });
});

describe("rings that are added and removed", () => {
  test("form one stream in the order of time: records of a new ring are merged, and a removed ring is not read", () => {
    const machine = new Machine(2);
    const added = new KernelRing(4096);
    const reader = new PerfRing(added.mapping);
    machine.write(0, 1000, 1);
    machine.write(1, 3000, 3);
    added.sample(forkRecord({ cpu: 2, ts_ns: 2000, pid: 2 }));
    machine.set.add(reader);
    expect(machine.drainAll().map(({ id }) => id)).toEqual([1, 2, 3]);
    added.sample(forkRecord({ cpu: 2, ts_ns: 4000, pid: 4 }));
    machine.write(1, 5000, 5);
    machine.set.remove(reader);
    expect(machine.drainAll().map(({ id }) => id)).toEqual([5]);
    machine.set.add(reader);
    machine.write(0, 6000, 6);
    expect(machine.drainAll().map(({ id }) => id)).toEqual([4, 6]);
    expect([machine.set.received, machine.set.outOfOrder]).toEqual([6, 1]);
  });

  test("may be none at first, and many later", () => {
    const set = new RingSet([], { timestampOffset: PROCESS_EVENT.ts_ns, now: () => 2 ** 40 });
    expect([set.isEmpty(), set.drain(() => {})]).toEqual([true, false]);
    const rings = Array.from({ length: 20 }, (_, cpu) => {
      const kernel = new KernelRing(4096);
      kernel.sample(forkRecord({ cpu, ts_ns: 1000 - cpu, pid: cpu }));
      return new PerfRing(kernel.mapping);
    });
    for (const ring of rings) set.add(ring);
    const given: number[] = [];
    set.drain((record) => given.push(seen(record).id));
    expect(given).toEqual([...Array(20).keys()].reverse());
  });
});

describe("a drain that is stopped", () => {
  /** Records between two checks whether to continue: RELEASE_EVERY of src/ring/ring-set.ts. */
  const EVERY = 256;

  test("continues where it stopped, in order, including records that arrived in the meantime", () => {
    for (let seed = 0; seed < 20; seed++) {
      const prng = new Prng(seed);
      const cpus = 1 + prng.index(8);
      const machine = new Machine(cpus);
      const given: number[] = [];
      let id = 0;
      const write = (count: number) => {
        for (let i = 0; i < count; i++) {
          machine.nowNs += 1000;
          if (machine.write(prng.index(cpus), machine.nowNs, id)) id++;
        }
        machine.nowNs += 2 * IN_FLIGHT_NS;
      };
      while (id < 5000) {
        write(prng.index(900));
        const before = given.length;
        let questions = prng.index(3);
        const most = EVERY * (questions + 1);
        const left = machine.set.drain(
          (record) => given.push(seen(record).id),
          () => questions-- > 0,
        );
        expect(given.length - before).toBe(Math.min(most, id - before));
        // At the last record the set does not know yet that it is the last.
        if (id - before !== most) expect(left).toBe(given.length < id);
        expect(machine.set.isEmpty()).toBe(given.length === id);
      }
      machine.set.drain((record) => given.push(seen(record).id));
      expect(given).toEqual([...Array(id).keys()]);
      expect([machine.set.outOfOrder, machine.set.received]).toEqual([0, id]);
      expect(machine.kernel.every(({ head, tail }) => head === tail)).toBe(true);
    }
  });

  test("releases the space of taken records, and does not look again", () => {
    const machine = new Machine(1);
    let written = 0;
    while (machine.write(0, 1000 + written, written)) written++;
    machine.nowNs = 1_000_000;
    let looks = 0;
    machine.atLook = () => {
      looks++;
    };
    expect(
      machine.set.drain(
        () => {},
        () => false,
      ),
    ).toBe(true);
    const [ring] = machine.kernel as [KernelRing];
    expect([looks, Number(ring.tail) / KernelRing.sizeOf(forkRecord({ pid: 1 }).length)]).toEqual([1, EVERY]);
  });
});

describe("space is released to the kernel", () => {
  test("after every drain, except for records that were too young", () => {
    const machine = new Machine(2);
    machine.nowNs = 1_000_000;
    machine.write(0, 100, 1);
    machine.write(0, 1_000_000, 2);
    machine.write(1, 200, 3);
    machine.drain();
    const [first, second] = machine.kernel as [KernelRing, KernelRing];
    expect(first.head - first.tail).toBe(BigInt(KernelRing.sizeOf(forkRecord({ pid: 1 }).length)));
    expect(second.tail).toBe(second.head);
  });

  test("in the middle of a long drain, so that a ring may be written while it is read", () => {
    const machine = new Machine(2);
    let written = 0;
    while (machine.write(written % 2, 1000 + written, written)) written++;
    const tails = new Set<bigint>();
    machine.set.drainAll(() => {
      tails.add(machine.kernel[0]?.tail ?? 0n);
    });
    expect(machine.set.received).toBe(written);
    expect(tails.size).toBeGreaterThan(3);
  });

  test("a record stays intact while it is consumed, although the kernel writes into released space", () => {
    // The kernel fills the ring whenever there is space.
    const machine = new Machine(1);
    let next = 0;
    const fill = () => {
      while (machine.write(0, 1000 + next, next)) next++;
    };
    let expected = 0;
    while (next < 4000) {
      fill();
      machine.set.drainAll((record) => {
        expect(seen(record)).toEqual({ cpu: 0, tsNs: 1000 + expected, id: expected });
        fill();
        expect(seen(record).id).toBe(expected);
        expected++;
      });
    }
    expect(next - machine.drainAll().length).toBe(expected);
  });
});
