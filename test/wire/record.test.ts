import { describe, expect, test } from "bun:test";
import { Prng } from "../../src/stats/prng.ts";
import { Record, recordIn } from "../../src/wire/record.ts";

const RING_BYTES = 256;

/** A record on `bytes` in a ring of `RING_BYTES`, which start at `start` and may continue across its end. */
function inRing(bytes: Uint8Array, start: number): Record {
  const memory = new ArrayBuffer(RING_BYTES);
  const u8 = new Uint8Array(memory);
  // Bytes outside of the record are 0xaa, and must not be read.
  u8.fill(0xaa);
  bytes.forEach((byte, i) => {
    u8[(start + i) % RING_BYTES] = byte;
  });
  const record = new Record();
  record.attach(new Uint32Array(memory), u8);
  record.seek(start, bytes.length);
  return record;
}

function randomBytes(prng: Prng, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => prng.index(256));
}

describe("a record in a ring has the same values as its bytes in a plain buffer", () => {
  const bytes = randomBytes(new Prng(1), 200);
  const view = new DataView(bytes.buffer);

  test("at every possible start", () => {
    for (let start = 0; start < RING_BYTES; start += 4) {
      const record = inRing(bytes, start);
      expect(record.length).toBe(bytes.length);
      for (let at = 0; at < bytes.length; at++) {
        expect(record.u8(at)).toBe(view.getUint8(at));
        if (at + 2 <= bytes.length) expect(record.u16(at)).toBe(view.getUint16(at, true));
        if (at % 4 === 0 && at + 4 <= bytes.length) expect(record.u32(at)).toBe(view.getUint32(at, true));
        if (at % 4 === 0 && at + 8 <= bytes.length) {
          expect(record.big(at)).toBe(view.getBigUint64(at, true));
          expect(record.u64(at)).toBe(Number(view.getBigUint64(at, true)));
        }
      }
    }
  });

  test("if copied in pieces of every length", () => {
    for (let start = 0; start < RING_BYTES; start += 4) {
      const record = inRing(bytes, start);
      for (const from of [0, 1, 3, 63, 64, 100]) {
        for (let length = 0; from + length <= bytes.length; length++) {
          const target = new Uint8Array(length + 6).fill(0x55);
          record.copy(from, length, target, 3);
          expect(target.subarray(3, 3 + length)).toEqual(bytes.subarray(from, from + length));
          // The bytes before and after the piece are unchanged.
          expect([...target.subarray(0, 3), ...target.subarray(3 + length)]).toEqual(new Array(6).fill(0x55));
        }
      }
    }
  });

  test("if it fills the whole ring", () => {
    const whole = randomBytes(new Prng(2), RING_BYTES);
    for (let start = 0; start < RING_BYTES; start += 4) {
      const target = new Uint8Array(RING_BYTES);
      inRing(whole, start).copy(0, RING_BYTES, target, 0);
      expect(target).toEqual(whole);
    }
  });
});

describe("64-bit members", () => {
  test.each([0n, 1n, 0xffff_ffffn, 0x1_0000_0000n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n])(
    "%p is exact as a bigint, and the nearest double as a number",
    (value) => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, value, true);
      expect(recordIn(bytes).big(0)).toBe(value);
      expect(recordIn(bytes).u64(0)).toBe(Number(value));
    },
  );
});

describe("recordIn", () => {
  test.each([0, 1, 3, 4, 5, 63, 64, 65, 1000])("copies %i bytes into the record", (length) => {
    const bytes = randomBytes(new Prng(length), length);
    const record = recordIn(bytes);
    const expected = bytes.slice();
    bytes.fill(0);
    const copy = new Uint8Array(length);
    record.copy(0, length, copy, 0);
    expect(record.length).toBe(length);
    expect(copy).toEqual(expected);
  });
});
