import { expect, test } from "bun:test";
import { EventHistory } from "../../src/api/history.ts";
import { ByteWriter, utf8 } from "../../src/json/byte-writer.ts";

const NO_COMM = new Uint8Array(0);

function frameOf(text: string): ByteWriter {
  const bytes = utf8(text);
  const out = new ByteWriter(bytes.length);
  for (const byte of bytes) out.byte(byte);
  return out;
}

/** Compares frames of changing lengths from a small ring with those that were put in. */
function runThrough(maxBytes: number, maxFrames: number, lengthOf: (n: number) => number) {
  const dropped: number[] = [];
  const history = new EventHistory({ maxFrames, maxBytes, dropped: (seq) => dropped.push(seq) });
  const texts = new Map<number, string>();
  for (let n = 1; n <= 3000; n++) {
    const text = `${n}:`.padEnd(lengthOf(n), "abcdefghijklmn");
    texts.set(history.next, text);
    history.append(0, n, NO_COMM, frameOf(text));
    for (const first of [history.first, Math.max(history.first, history.next - 3)]) {
      const wanted = Array.from({ length: history.next - first }, (_, i) => texts.get(first + i) ?? "").join("");
      const target = new Uint8Array(wanted.length + 2);
      expect(history.copy(first, history.next, target, 1)).toBe(wanted.length);
      expect(new TextDecoder().decode(target)).toBe(`\0${wanted}\0`);
    }
  }
  return { history, dropped };
}

test("frames come out unchanged, whatever their lengths and wherever the ring wraps", () => {
  for (const lengthOf of [(n: number) => 5 + ((n * 37) % 251), () => 64, () => 100, (n: number) => 1 + (n % 9) * 7]) {
    const { history, dropped } = runThrough(2048, 64, (n) => Math.max(5, lengthOf(n)));
    expect(dropped).toEqual(Array.from({ length: history.first - 1 }, (_, i) => i + 1));
    expect(history.frames).toBeGreaterThan(5);
    expect(history.frames).toBeLessThanOrEqual(64);
  }
});

test("a frame that is larger than the ring is dropped, with all earlier frames", () => {
  const dropped: number[] = [];
  const history = new EventHistory({ maxFrames: 8, maxBytes: 128, dropped: (seq) => dropped.push(seq) });
  for (const text of ["a", "b", "x".repeat(200), "c"]) history.append(0, 1, NO_COMM, frameOf(text));
  expect(dropped).toEqual([1, 2, 3]);
  expect([history.first, history.next]).toEqual([4, 5]);
});
