import { describe, expect, test } from "bun:test";
import { BpfRing } from "../../src/ring/bpf-ring.ts";
import { PerfRing } from "../../src/ring/perf-ring.ts";
import { RingSet } from "../../src/ring/ring-set.ts";
import { Prng } from "../../src/stats/prng.ts";
import { PROCESS_EVENT } from "../../src/wire/layout.gen.ts";
import { Record } from "../../src/wire/record.ts";
import { execRecord, forkRecord } from "../wire/make-record.ts";
import { KernelRing } from "./kernel-ring.ts";

const BUSY = 2 ** 31;
const DISCARDED = 2 ** 30;

/** The kernel's side of a BPF ring (kernel/bpf/ringbuf.c). */
class Kernel {
  readonly parts: { consumer: ArrayBuffer; producer: ArrayBuffer; data: ArrayBuffer };
  readonly #consumer: BigUint64Array;
  readonly #producer: BigUint64Array;
  readonly #data: DataView;
  readonly #size: number;

  constructor(size: number, start = 0n) {
    const page = () => new ArrayBuffer(4096);
    this.parts = { consumer: page(), producer: page(), data: new ArrayBuffer(size) };
    this.#consumer = new BigUint64Array(this.parts.consumer, 0, 1);
    this.#producer = new BigUint64Array(this.parts.producer, 0, 1);
    this.#data = new DataView(this.parts.data);
    this.#size = size;
    this.#consumer[0] = start;
    this.#producer[0] = start;
  }

  get free(): number {
    return this.#size - Number((this.#producer[0] as bigint) - (this.#consumer[0] as bigint));
  }

  /** @returns the position of its header; null if there is no room */
  reserve(bytes: Uint8Array): number | null {
    const length = 8 + Math.ceil(bytes.length / 8) * 8;
    if (length > this.free) return null;
    const at = Number((this.#producer[0] as bigint) % BigInt(this.#size));
    this.#data.setUint32(at, bytes.length + BUSY, true);
    bytes.forEach((byte, i) => {
      this.#data.setUint8((at + 8 + i) % this.#size, byte);
    });
    this.#producer[0] = (this.#producer[0] as bigint) + BigInt(length);
    return at;
  }

  commit(at: number, isDiscarded = false): void {
    const length = this.#data.getUint32(at, true) - BUSY;
    this.#data.setUint32(at, isDiscarded ? length + DISCARDED : length, true);
  }

  write(bytes: Uint8Array): boolean {
    const at = this.reserve(bytes);
    if (at !== null) this.commit(at);
    return at !== null;
  }
}

/** Takes all available records, and returns their pids. */
function taken(ring: BpfRing): number[] {
  const record = new Record();
  const pids: number[] = [];
  ring.look();
  for (; ring.find(); ring.take()) {
    ring.place(record);
    expect([record.u64(PROCESS_EVENT.ts_ns), record.sampleTimeNs]).toEqual([ring.u64(PROCESS_EVENT.ts_ns), 0]);
    pids.push(record.u32(PROCESS_EVENT.pid));
  }
  ring.release();
  return pids;
}

describe("a BPF ring", () => {
  test.each([
    ["the beginning", 0n],
    ["shortly before 4 GiB", 2n ** 32n - 256n],
    ["past 1 TiB", 2n ** 40n + 8n],
  ])("returns what was written through many turns of the ring, if it starts at %s", (_, start) => {
    const prng = new Prng(Number(start % 1000n));
    const kernel = new Kernel(4096, start);
    const ring = new BpfRing(kernel.parts);
    let written = 0;
    const all: number[] = [];
    for (let round = 0; round < 300; round++) {
      for (let i = prng.index(30); i > 0; i--) {
        const args = new Uint8Array(prng.index(200)).fill(7);
        const bytes = prng.index(2) ? forkRecord({ pid: written }) : execRecord({ pid: written, args });
        if (kernel.write(bytes)) written++;
      }
      all.push(...taken(ring));
      expect(kernel.free).toBe(4096);
    }
    expect(all).toEqual([...Array(written).keys()]);
    expect(written).toBeGreaterThan(1000);
  });

  test("stops at a record that is still being written, and skips discarded records", () => {
    const kernel = new Kernel(4096);
    const ring = new BpfRing(kernel.parts);
    kernel.write(forkRecord({ pid: 1 }));
    const busy = kernel.reserve(forkRecord({ pid: 2 })) as number;
    const discarded = kernel.reserve(forkRecord({ pid: 3 })) as number;
    kernel.commit(discarded, true);
    kernel.write(forkRecord({ pid: 4 }));
    expect(taken(ring)).toEqual([1]);
    expect(ring.look()).toBe(true);
    expect(taken(ring)).toEqual([]);
    kernel.commit(busy);
    expect(taken(ring)).toEqual([2, 4]);
    expect([ring.look(), kernel.free]).toEqual([false, 4096]);
  });

  test("is merged with the rings of CPUs, in the order of time", () => {
    const spare = new Kernel(4096);
    const cpu = new KernelRing(4096);
    const rings = [new BpfRing(spare.parts), new PerfRing(cpu.mapping)];
    const set = new RingSet(rings, { timestampOffset: PROCESS_EVENT.ts_ns, now: () => 2 ** 40 });
    for (let pid = 0; pid < 20; pid++) {
      const record = forkRecord({ pid, ts_ns: 1000 + pid });
      if (pid % 3 === 0) cpu.sample(record);
      else spare.write(record);
    }
    const given: number[] = [];
    set.drain((record) => given.push(record.u32(PROCESS_EVENT.pid)));
    expect(given).toEqual([...Array(20).keys()]);
    expect([set.isEmpty(), set.outOfOrder, spare.free]).toEqual([true, 0, 4096]);
  });
});
