import { describe, expect, test } from "bun:test";
import { Backlog } from "../../src/sinks/backlog.ts";

const KiB = 1024;

/** Flushes `count` times as a sink does, writing all before the next flush. Returns the buffer of each flush. */
function flushes(backlog: Backlog, count: number, length: number): ArrayBuffer[] {
  return Array.from({ length: count }, () => {
    const memory = backlog.memoryFor(length);
    backlog.adopt(memory, length);
    backlog.written(length);
    return memory.buffer;
  });
}

describe("memory of waiting lines", () => {
  test("is allocated once for a steady flow, also after few lines", () => {
    const backlog = new Backlog();
    // Few lines, as at the start of a run.
    for (const length of [200, 9 * KiB, 40 * KiB]) {
      backlog.keep(new Uint8Array(length));
      backlog.written(length);
    }
    const buffers = flushes(backlog, 20, 300 * KiB);
    expect(new Set(buffers.slice(5)).size).toBe(1);
  });

  test("is allocated once if two pieces at a time are joined", () => {
    const backlog = new Backlog();
    const seen = new Set<ArrayBufferLike>();
    for (let i = 0; i < 20; i++) {
      for (let piece = 0; piece < 2; piece++) backlog.keep(new Uint8Array(100 * KiB));
      backlog.join(512 * KiB);
      if (i > 0) seen.add(backlog.first?.buffer as ArrayBufferLike);
      backlog.written(200 * KiB);
    }
    expect(seen.size).toBeLessThanOrEqual(2);
  });

  test("of a burst is freed", () => {
    const backlog = new Backlog();
    for (let piece = 0; piece < 5; piece++) backlog.keep(new Uint8Array(128 * KiB));
    const burst = new Set<ArrayBufferLike>();
    while (!backlog.isEmpty) {
      const first = backlog.first as Uint8Array;
      burst.add(first.buffer);
      backlog.written(first.length);
    }
    expect(burst.size).toBe(5);
    const after = new Set<ArrayBufferLike>();
    for (let i = 0; i < 4; i++) {
      backlog.keep(new Uint8Array(10 * KiB));
      after.add(backlog.first?.buffer as ArrayBufferLike);
      backlog.written(10 * KiB);
    }
    expect(after.size).toBe(1);
  });
});
