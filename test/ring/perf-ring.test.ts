import { describe, expect, test } from "bun:test";
import { PerfRing } from "../../src/ring/perf-ring.ts";
import { Prng } from "../../src/stats/prng.ts";
import { Record } from "../../src/wire/record.ts";
import { KernelRing } from "./kernel-ring.ts";

/** Data of a sample in which every byte depends on its position and on the seed. */
function dataOf(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (seed * 31 + i * 7) & 0xff);
}

/** The data of all samples up to the last look(), with the kernel's padding. */
function takeAll(ring: PerfRing): Uint8Array[] {
  const record = new Record();
  const found: Uint8Array[] = [];
  while (ring.find()) {
    ring.place(record);
    const bytes = new Uint8Array(record.length);
    record.copy(0, record.length, bytes, 0);
    found.push(bytes);
    ring.take();
  }
  return found;
}

/** Data as `sample` writes it: padded so that header, length and data fill 8-byte words. */
function padded(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(KernelRing.dataOf(KernelRing.sizeOf(data.length)));
  bytes.set(data);
  return bytes;
}

describe("samples", () => {
  const RING = 512;

  test("are read whole at any start in the ring, also across its end", () => {
    for (let start = 0; start < 2 * RING; start += 8) {
      for (const length of [8, 20, 64, 65, 136, 300]) {
        const kernel = new KernelRing(RING, BigInt(start));
        const ring = new PerfRing(kernel.mapping);
        expect(kernel.sample(dataOf(length, start))).toBe(true);
        ring.look();
        expect(takeAll(ring)).toEqual([padded(dataOf(length, start))]);
        ring.release();
        expect(kernel.tail).toBe(kernel.head);
      }
    }
  });

  test("have 64-bit members that are readable across the end as well", () => {
    for (let start = 0; start < RING; start += 8) {
      const kernel = new KernelRing(RING, BigInt(start));
      const ring = new PerfRing(kernel.mapping);
      const data = dataOf(64, start);
      kernel.sample(data);
      ring.look();
      ring.find();
      for (let at = 0; at + 8 <= 64; at += 4) {
        expect(ring.u64(at)).toBe(Number(new DataView(data.buffer).getBigUint64(at, true)));
      }
    }
  });

  test.each([0n, 2n ** 31n - 64n, 2n ** 32n - 64n, 2n ** 40n - 64n, 2n ** 52n - 64n])(
    "are read through a thousand records with cursors that start at %p",
    (start) => {
      const kernel = new KernelRing(RING, start);
      const ring = new PerfRing(kernel.mapping);
      const prng = new Prng(Number(start % 1000n));
      for (let i = 0; i < 1000; i++) {
        const data = dataOf(prng.index(200), i);
        expect(kernel.sample(data)).toBe(true);
        ring.look();
        expect(ring.pendingBytes).toBe(KernelRing.sizeOf(data.length));
        expect(takeAll(ring)).toEqual([padded(data)]);
        expect(ring.pendingBytes).toBe(0);
        ring.release();
        expect(kernel.tail).toBe(kernel.head);
      }
      expect(ring.lost).toBe(0);
    },
  );

  test("are read to the end from a ring that the kernel has filled", () => {
    for (let start = 0; start < RING; start += 8) {
      const kernel = new KernelRing(RING, BigInt(start));
      const ring = new PerfRing(kernel.mapping);
      const written: Uint8Array[] = [];
      for (let i = 0; kernel.sample(dataOf(20, i)); i++) written.push(padded(dataOf(20, i)));
      expect(written.length).toBe(Math.floor((RING - 1) / KernelRing.sizeOf(20)));
      ring.look();
      expect(takeAll(ring)).toEqual(written);
    }
  });

  test("are read to the end from a ring without a free byte", () => {
    for (let start = 0; start < RING; start += 8) {
      const kernel = new KernelRing(RING, BigInt(start));
      const ring = new PerfRing(kernel.mapping);
      // More than the kernel ever writes: seven samples of 64 bytes, and a record that fills the ring.
      const data = Array.from({ length: 7 }, (_, i) => dataOf(KernelRing.dataOf(64), i));
      for (const one of data) expect(kernel.sample(one)).toBe(true);
      kernel.other(5, 64);
      ring.look();
      expect(ring.pendingBytes).toBe(RING);
      expect(takeAll(ring)).toEqual(data.map(padded));
    }
  });

  test("have the scheduler's time at which they were written", () => {
    for (let start = 0; start < RING; start += 8) {
      const kernel = new KernelRing(RING, BigInt(start));
      const ring = new PerfRing(kernel.mapping);
      const record = new Record();
      for (const timeNs of [1n, 2n ** 32n - 1n, 2n ** 40n + 7n]) kernel.sample(dataOf(20, start), timeNs);
      ring.look();
      const times: number[] = [];
      for (; ring.find(); ring.take()) {
        ring.place(record);
        times.push(record.sampleTimeNs);
      }
      expect(times).toEqual([1, 2 ** 32 - 1, 2 ** 40 + 7]);
    }
  });

  test("written after the last look() are found only after the next look()", () => {
    const kernel = new KernelRing(RING);
    const ring = new PerfRing(kernel.mapping);
    expect(ring.find()).toBe(false);
    kernel.sample(dataOf(8, 1));
    expect(ring.find()).toBe(false);
    ring.look();
    kernel.sample(dataOf(8, 2));
    expect(takeAll(ring)).toEqual([padded(dataOf(8, 1))]);
    ring.look();
    expect(takeAll(ring)).toEqual([padded(dataOf(8, 2))]);
  });

  test("that were found stay until they are taken", () => {
    const kernel = new KernelRing(RING);
    const ring = new PerfRing(kernel.mapping);
    kernel.sample(dataOf(20, 1));
    kernel.sample(dataOf(20, 2));
    ring.look();
    const first = ring.find() && ring.u64(0);
    expect(ring.find() && ring.u64(0)).toBe(first);
    ring.release();
    expect(kernel.tail).toBe(0n);
    ring.take();
    expect(ring.find() && ring.u64(0)).not.toBe(first);
    ring.release();
    expect(kernel.tail).toBe(BigInt(KernelRing.sizeOf(20)));
  });
});

describe("the space of records", () => {
  test("is available to the kernel only after release", () => {
    const kernel = new KernelRing(512);
    const ring = new PerfRing(kernel.mapping);
    while (kernel.sample(dataOf(52, 1)));
    ring.look();
    const taken = takeAll(ring).length;
    expect(kernel.tail).toBe(0n);
    expect(kernel.sample(dataOf(52, 2))).toBe(false);
    ring.release();
    expect(kernel.tail).toBe(BigInt(taken * KernelRing.sizeOf(52)));
    expect(kernel.sample(dataOf(52, 3))).toBe(true);
  });

  test("before the tail is not read again by a new reader", () => {
    const kernel = new KernelRing(512, 2n ** 33n + 8n);
    const first = new PerfRing(kernel.mapping);
    kernel.sample(dataOf(52, 1));
    kernel.sample(dataOf(52, 2));
    first.look();
    first.find();
    first.take();
    first.release();
    const second = new PerfRing(kernel.mapping);
    second.look();
    expect(takeAll(second)).toEqual([padded(dataOf(52, 2))]);
  });

  test("has the size of the data, without the control page", () => {
    expect(new PerfRing(new KernelRing(8192).mapping).size).toBe(8192);
  });

  test.each([4096, 16384, 65536])("starts after a control page of %i bytes", (page) => {
    const kernel = new KernelRing(page, 8n, page);
    const ring = new PerfRing(kernel.mapping);
    expect(ring.size).toBe(page);
    // More than one turn of the ring.
    for (let i = 0; i < 3 * (page / 1024); i++) {
      expect(kernel.sample(dataOf(1000, i))).toBe(true);
      ring.look();
      expect(takeAll(ring)).toEqual([padded(dataOf(1000, i))]);
      ring.release();
      expect(kernel.tail).toBe(kernel.head);
    }
  });
});

describe("losses", () => {
  test("are counted where the kernel reports them, between samples", () => {
    for (let start = 0; start < 512; start += 8) {
      const kernel = new KernelRing(512, BigInt(start));
      const ring = new PerfRing(kernel.mapping);
      const written: number[] = [];
      let lost = 0;
      for (let round = 0; round < 20; round++) {
        for (let i = 0; i < 12; i++) {
          const id = round * 12 + i;
          if (kernel.sample(dataOf(52, id))) written.push(id);
          else lost++;
        }
        ring.look();
        const taken = takeAll(ring);
        expect(taken).toEqual(written.splice(0).map((id) => padded(dataOf(52, id))));
        ring.release();
      }
      // Losses of the last round are reported with the next sample.
      kernel.sample(dataOf(8, 1));
      ring.look();
      expect(takeAll(ring).length).toBe(1);
      expect(lost).toBeGreaterThan(0);
      expect(ring.lost).toBe(lost);
    }
  });

  test("a loss record without a following sample also counts, once, and its space is released", () => {
    const kernel = new KernelRing(512);
    const ring = new PerfRing(kernel.mapping);
    kernel.lost(3n);
    kernel.lost(4n);
    ring.look();
    expect(ring.find()).toBe(false);
    expect(ring.find()).toBe(false);
    expect(ring.lost).toBe(7);
    ring.release();
    expect(kernel.tail).toBe(kernel.head);
  });

  test("records of other types are skipped", () => {
    const kernel = new KernelRing(512, 504n);
    const ring = new PerfRing(kernel.mapping);
    const PERF_RECORD_THROTTLE = 5;
    kernel.other(PERF_RECORD_THROTTLE, 32);
    kernel.sample(dataOf(52, 1));
    kernel.other(PERF_RECORD_THROTTLE, 8);
    ring.look();
    expect(takeAll(ring)).toEqual([padded(dataOf(52, 1))]);
    ring.release();
    expect(kernel.tail).toBe(kernel.head);
  });

  test.each([0, 2, 9])("a record of type %i without a length is an error, not a loop without an end", (type) => {
    const kernel = new KernelRing(512);
    const ring = new PerfRing(kernel.mapping);
    kernel.raw(Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 0));
    ring.look();
    expect(() => ring.find()).toThrow("without a length");
  });
});
