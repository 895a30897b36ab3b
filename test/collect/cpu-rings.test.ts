import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { CpuRings } from "../../src/collect/cpu-rings.ts";
import { Prng } from "../../src/stats/prng.ts";
import { NativeError } from "../../src/sys/errno.ts";
import { PROCESS_EVENT } from "../../src/wire/layout.gen.ts";
import { KernelRing } from "../ring/kernel-ring.ts";
import { forkRecord } from "../wire/make-record.ts";

const { ENODEV, EACCES, EINVAL } = constants.errno;
const SECOND_NS = 1e9;

/** A simulated perf event with its ring. */
class OpenRing {
  readonly kernel = new KernelRing(64 * 1024);
  readonly mapping = this.kernel.mapping;
  /** True until its CPU goes offline. */
  live = true;
  signals = false;
  closed = false;
  readonly #leave: () => void;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  isLive(): boolean {
    return this.live;
  }

  signalOnWatermark(): void {
    this.signals = true;
  }

  leaveMap(): void {
    this.#leave();
  }

  close(): void {
    expect(this.closed).toBe(false);
    this.closed = true;
  }
}

/** The kernel side of a machine whose CPUs go online and offline. */
class Machine implements Disposable {
  readonly opened: OpenRing[] = [];
  /** The rings that BPF programs write to, by CPU. */
  readonly map = new Map<number, OpenRing>();
  readonly lost: number[];
  readonly received: number[] = [];
  readonly rings: CpuRings;
  readonly #online = new Set<number>();
  readonly #steps: number[];
  nowNs = 1e12;
  /** errno with which the next opening fails. */
  refuses: number | null = null;
  openings = 0;
  #written = 0;

  constructor(cpus: number, online: number[], possible: number[] = [...Array(cpus).keys()]) {
    this.lost = new Array<number>(cpus).fill(0);
    this.#steps = new Array<number>(cpus).fill(0);
    for (const cpu of online) this.#online.add(cpu);
    this.rings = new CpuRings({
      cpus: possible,
      open: (cpu) => this.#open(cpu),
      hotplugStamp: (cpu) => this.#steps[cpu] as number,
      noRingStamp: (cpu) => this.lost[cpu] as number,
      timestampOffset: PROCESS_EVENT.ts_ns,
      now: () => this.nowNs,
    });
  }

  #open(cpu: number): OpenRing {
    this.openings++;
    // The kernel returns this for numbers that no CPU can have.
    if (cpu >= this.lost.length) throw new NativeError("perf_event_open", EINVAL);
    if (!this.#online.has(cpu)) throw new NativeError("perf_event_open", ENODEV);
    if (this.refuses !== null) throw new NativeError("perf_event_open", this.refuses);
    const ring = new OpenRing(() => this.map.delete(cpu));
    this.opened.push(ring);
    this.map.set(cpu, ring);
    return ring;
  }

  /** @param isSeen whether the hotplug step is counted */
  offline(cpu: number, isSeen = true): void {
    this.#online.delete(cpu);
    const ring = this.map.get(cpu);
    if (ring) ring.live = false;
    if (isSeen) this.#steps[cpu] = (this.#steps[cpu] as number) + 100;
  }

  back(cpu: number, isSeen = true): void {
    this.#online.add(cpu);
    if (isSeen) this.#steps[cpu] = (this.#steps[cpu] as number) + 100;
  }

  /** An event on that CPU, as bpf_perf_event_output handles it. */
  write(cpu: number): void {
    this.nowNs += 20_000;
    const ring = this.map.get(cpu);
    const id = this.#written++;
    if (!ring?.live || !ring.kernel.sample(forkRecord({ cpu, ts_ns: this.nowNs, pid: id }))) {
      this.lost[cpu] = (this.lost[cpu] as number) + 1;
    }
  }

  get written(): number {
    return this.#written;
  }

  get open(): OpenRing[] {
    return this.opened.filter(({ closed }) => !closed);
  }

  /** @returns whether the set of missing CPUs may have changed */
  follow(afterNs = 1000): boolean {
    this.nowNs += afterNs;
    return this.rings.follow(this.nowNs);
  }

  drain(): void {
    this.nowNs += 20_000;
    this.rings.set.drain((record) => this.received.push(record.u32(PROCESS_EVENT.pid)));
  }

  [Symbol.dispose](): void {
    this.rings.close();
  }
}

describe("rings of CPUs that go online and offline", () => {
  test("a CPU that goes offline and online between two checks gets a new ring, and the old ring's records are kept", () => {
    using machine = new Machine(2, [0, 1]);
    machine.rings.signalOnWatermark();
    machine.write(0);
    machine.write(1);
    machine.offline(1);
    machine.back(1);
    expect(machine.follow()).toBe(true);
    expect(machine.opened).toHaveLength(3);
    expect(machine.opened.every(({ signals }) => signals)).toBe(true);
    // The old ring is not read yet, as while the output is blocked.
    expect(machine.open).toHaveLength(3);
    machine.write(1);
    machine.write(0);
    machine.drain();
    expect(machine.received).toEqual([0, 1, 2, 3]);
    expect([machine.rings.set.outOfOrder, machine.lost]).toEqual([0, [0, 0]]);
    machine.follow();
    expect(machine.open).toHaveLength(2);
  });

  test("a CPU that stays offline loses its ring", () => {
    using machine = new Machine(2, [0, 1]);
    machine.offline(1);
    expect(machine.follow()).toBe(true);
    expect([machine.open.length, machine.map.has(1), machine.rings.missing.size]).toEqual([1, false, 0]);
    machine.back(1);
    machine.follow();
    machine.write(1);
    machine.drain();
    expect([machine.received, machine.lost]).toEqual([[0], [0, 0]]);
  });

  test("CPUs that were offline at the start get a ring when they come online, whatever their numbers", () => {
    using machine = new Machine(6, [0, 4]);
    expect(machine.map.size).toBe(2);
    for (const cpu of [5, 2]) {
      machine.back(cpu);
      machine.follow();
      machine.write(cpu);
    }
    machine.drain();
    expect([machine.received, [...machine.map.keys()].sort()]).toEqual([
      [0, 1],
      [0, 2, 4, 5],
    ]);
  });

  test("no ring is opened for numbers that no CPU has", () => {
    using machine = new Machine(9, [0, 8], [0, 1, 8]);
    expect(machine.openings).toBe(3);
    machine.back(1);
    machine.follow();
    for (const cpu of [8, 1, 0]) machine.write(cpu);
    machine.drain();
    expect([machine.received, machine.openings]).toEqual([[0, 1, 2], 4]);
  });

  test("guessed numbers that no CPU can have are skipped; if even the first is refused, that is an error", () => {
    using machine = new Machine(2, [0, 1], [...Array(64).keys()]);
    expect(machine.opened).toHaveLength(2);
    expect(machine.rings.missing.size).toBe(0);
    expect(() => new Machine(0, [], [0])).toThrow("EINVAL");
  });

  test("a dead ring of a CPU whose offline step was missed is found by its first loss", () => {
    using machine = new Machine(2, [0, 1]);
    machine.offline(1, false);
    machine.back(1, false);
    expect(machine.follow()).toBe(false);
    machine.write(1);
    expect(machine.follow()).toBe(true);
    machine.write(1);
    machine.drain();
    expect([machine.received, machine.lost]).toEqual([[1], [0, 1]]);
    expect(machine.follow()).toBe(false);
  });

  test("a live ring stays after an aborted offline, whatever steps are counted", () => {
    using machine = new Machine(2, [0, 1]);
    machine.back(1);
    machine.follow();
    expect([machine.opened.length, machine.openings]).toEqual([2, 2]);
  });

  test("without changes nothing is opened, closed or checked", () => {
    using machine = new Machine(4, [0, 1]);
    const { openings } = machine;
    for (let i = 0; i < 100; i++) expect(machine.follow(SECOND_NS)).toBe(false);
    expect(machine.openings).toBe(openings);
  });

  test("a CPU whose ring the kernel refuses is missing, and is tried each second until it has a ring", () => {
    using machine = new Machine(3, [0, 1, 2]);
    machine.refuses = EACCES;
    for (const cpu of [1, 2]) {
      machine.offline(cpu);
      machine.back(cpu);
    }
    expect(machine.follow()).toBe(true);
    expect([...machine.rings.missing].map(([cpu, { code }]) => [cpu, code])).toEqual([
      [1, "EACCES"],
      [2, "EACCES"],
    ]);
    machine.follow(SECOND_NS);
    const { openings } = machine;
    // Losses of the CPU do not cause more tries.
    for (let i = 0; i < 9; i++) {
      machine.write(1);
      machine.follow(SECOND_NS / 10);
    }
    expect(machine.openings).toBe(openings);
    machine.refuses = null;
    expect(machine.follow(SECOND_NS)).toBe(true);
    expect(machine.rings.missing.size).toBe(0);
    expect(machine.follow(SECOND_NS)).toBe(false);
  });

  test("a missing CPU that goes offline is not missing", () => {
    using machine = new Machine(2, [0, 1]);
    machine.refuses = EACCES;
    machine.offline(1);
    machine.back(1);
    machine.follow();
    expect([...machine.rings.missing.keys()]).toEqual([1]);
    machine.offline(1);
    machine.follow();
    expect(machine.rings.missing.size).toBe(0);
  });

  test("an online CPU without a ring at the start is an error, and opened rings are closed", () => {
    let opened = 0;
    let closed = 0;
    const open = (cpu: number) => {
      if (cpu === 2) throw new NativeError("perf_event_open", constants.errno.EMFILE);
      const ring = new OpenRing(() => {});
      ring.close = () => void closed++;
      opened++;
      return ring;
    };
    const stamps = { hotplugStamp: () => 0, noRingStamp: () => 0 };
    const set = { timestampOffset: PROCESS_EVENT.ts_ns, now: () => 0 };
    expect(() => new CpuRings({ cpus: [0, 1, 2, 3], open, ...stamps, ...set })).toThrow("EMFILE");
    expect([opened, closed]).toEqual([3, 3]);
  });

  test("every record is received or counted as lost, in the order of time, whatever happens", () => {
    for (let seed = 0; seed < 60; seed++) {
      const prng = new Prng(seed);
      const cpus = 1 + prng.index(6);
      using machine = new Machine(cpus, [...Array(cpus).keys()]);
      const online = new Array<boolean>(cpus).fill(true);
      for (let step = 0; step < 400; step++) {
        const cpu = prng.index(cpus);
        const action = prng.index(12);
        if (action === 0) {
          if (online[cpu]) machine.offline(cpu, prng.index(4) > 0);
          else machine.back(cpu, prng.index(4) > 0);
          online[cpu] = !online[cpu];
        } else if (action === 1) machine.drain();
        else if (action === 2) machine.follow(prng.index(SECOND_NS));
        else if (action === 3) machine.refuses = prng.index(2) === 0 ? null : EACCES;
        else if (online[cpu]) machine.write(cpu);
      }
      machine.drain();
      const lost = machine.lost.reduce((sum, count) => sum + count, 0);
      expect([seed, machine.received.length + lost]).toEqual([seed, machine.written]);
      expect(machine.received).toEqual(machine.received.toSorted((a, b) => a - b));
      expect(machine.rings.set.outOfOrder).toBe(0);
      // Once every CPU is online, has its ring and was checked, nothing is lost any more.
      machine.refuses = null;
      for (let cpu = 0; cpu < cpus; cpu++) if (!online[cpu]) machine.back(cpu);
      machine.follow(SECOND_NS);
      for (let cpu = 0; cpu < cpus; cpu++) if (!machine.map.get(cpu)?.live) machine.write(cpu);
      machine.follow(2 * SECOND_NS);
      const before = machine.lost.reduce((sum, count) => sum + count, 0);
      for (let cpu = 0; cpu < cpus; cpu++) machine.write(cpu);
      expect([seed, machine.lost.reduce((sum, count) => sum + count, 0)]).toEqual([seed, before]);
      machine.drain();
      machine.follow();
      expect(machine.open).toHaveLength(cpus);
    }
  });
});
