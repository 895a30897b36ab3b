import { describe, expect, test } from "bun:test";
import { ByteWriter, jsonText, literal } from "../../src/json/byte-writer.ts";
import { Prng } from "../../src/stats/prng.ts";
import { randomText } from "../sinks/random-record.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function written(write: (out: ByteWriter) => void, capacity = 64): string {
  const out = new ByteWriter(capacity);
  write(out);
  return decoder.decode(out.bytes.subarray(0, out.length));
}

/** Checks that ByteWriter and jsonText write the same JSON string for the bytes, without a control character. */
function expectSame(bytes: Uint8Array): void {
  // Other bytes around the string, which must not be read.
  const source = new Uint8Array(bytes.length + 8).fill(0xbf);
  source.set(bytes, 4);
  const found = written((out) => out.string(source, 4, 4 + bytes.length), 0);
  const expected = jsonText(decoder.decode(bytes));
  if (/\p{Cc}/u.test(found)) throw new Error(`${Buffer.from(bytes).toString("hex")}: a control character in ${found}`);
  if (JSON.parse(found) !== decoder.decode(bytes)) throw new Error(`${found} is another text`);
  if (found !== expected) throw new Error(`${Buffer.from(bytes).toString("hex")}: ${found}, not ${expected}`);
}

test("jsonText writes no control character, and its JSON parses to the same value", () => {
  const value = { cgroup: "/a\x7f\x80\u009b31m\x9f\x1b\n\u00a0é" };
  expect(jsonText(value)).toBe('{"cgroup":"/a\\u007f\\u0080\\u009b31m\\u009f\\u001b\\n\u00a0é"}');
  expect(JSON.parse(jsonText(value))).toEqual(value);
  expect(jsonText(null)).toBe("null");
});

describe("string writes the same JSON as jsonText", () => {
  test("for every byte, and every pair of bytes", () => {
    for (let first = 0; first < 256; first++) {
      expectSame(Uint8Array.of(first));
      for (let second = 0; second < 256; second++) expectSame(Uint8Array.of(first, second));
    }
  });

  test("for every UTF-8 lead byte with valid and invalid bytes after it", () => {
    const follow = [0x00, 0x22, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xf0, 0xff];
    for (let lead = 0xc0; lead < 256; lead++) {
      for (const second of follow) {
        for (const third of follow) {
          expectSame(Uint8Array.of(lead, second, third));
          for (const fourth of follow) expectSame(Uint8Array.of(lead, second, third, fourth));
        }
      }
    }
  });

  test("for random texts and random bytes", () => {
    const prng = new Prng(1);
    for (let i = 0; i < 20_000; i++) expectSame(randomText(prng, 40, true));
    for (let i = 0; i < 100; i++) expectSame(randomText(prng, 15360, true));
  });

  test("for every code point", () => {
    for (let start = 0; start < 0x110000; start += 0x800) {
      if (start === 0xd800) continue; // the surrogates
      expectSame(Buffer.from(String.fromCodePoint(...Array.from({ length: 0x800 }, (_, i) => start + i))));
    }
  });

  test("and grows the buffer for the longest escapes", () => {
    const bytes = new Uint8Array(5000).fill(1);
    expect(written((out) => out.string(bytes, 0, bytes.length), 1)).toBe(`"${"\\u0001".repeat(5000)}"`);
  });
});

describe("cString", () => {
  test.each([
    ["true\0\0\0", '"true"'],
    ["0123456789abcdef", '"0123456789abcdef"'],
    ["\0abc", '""'],
    ["", '""'],
  ])("%j", (source, json) => {
    expect(written((out) => out.cString(new TextEncoder().encode(source)))).toBe(json);
  });
});

describe("numbers", () => {
  test("below 2^53 are exact", () => {
    const prng = new Prng(2);
    const values = [0, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
    for (let power = 1; power < 2 ** 53; power *= 10) values.push(power - 1, power, power + 1);
    for (let i = 0; i < 100_000; i++) values.push(Math.floor(2 ** (prng.float() * 53)));
    for (let k = 1; k < 9_000_000; k += 4999) values.push(k * 1e9 - 1, k * 1e9, k * 1e9 + 1);
    for (const value of values) {
      const found = written((out) => out.number(value));
      if (found !== String(value)) throw new Error(`${value} became ${found}`);
    }
  });

  test("above 2^53 are the exact value of the double, and leave the bytes before them unchanged", () => {
    for (const value of [2 ** 53, 1e16, 12345678901234567000, 2 ** 63, 2 ** 64 - 2048, 2 ** 64]) {
      const found = written((out) => {
        out.put(literal("before:"));
        out.number(value);
        out.put(literal(":behind"));
      });
      expect(found).toBe(`before:${BigInt(value)}:behind`);
    }
  });

  test("of 64 bits are exact when given as two halves", () => {
    const prng = new Prng(3);
    const values = [0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 56n - 1n, 2n ** 56n, 2n ** 64n - 1n];
    for (let power = 1n; power < 2n ** 64n; power *= 10n) values.push(power - 1n, power, power + 1n);
    for (let i = 0; i < 100_000; i++) {
      values.push(((BigInt(prng.uint32()) << 32n) | BigInt(prng.uint32())) >> BigInt(prng.index(64)));
    }
    for (const value of values) {
      const found = written((out) => out.u64(Number(value >> 32n), Number(value & 0xffff_ffffn)));
      if (found !== String(value)) throw new Error(`${value} became ${found}`);
    }
  });

  test("with a fixed number of digits are padded with zeros", () => {
    expect(written((out) => out.digits(0, 9))).toBe("000000000");
    expect(written((out) => out.digits(42, 3))).toBe("042");
    expect(written((out) => out.digits(999_999_999, 9))).toBe("999999999");
  });
});

describe("a literal", () => {
  test("of any length and any UTF-8 is written whole, and the next byte follows it directly", () => {
    const text = 'ab\x7f\u00e9\u20ac\u{1f600}\x7f\x7f\u{10ffff}\x7f,"pid":\u{1f600}';
    const letters = [...text];
    for (let length = 0; length <= letters.length; length++) {
      const piece = letters.slice(0, length).join("");
      for (const before of ["", "1", "1234567"]) {
        const out = written((writer) => {
          writer.reserve(200);
          writer.put(literal(before));
          writer.put(literal(piece));
          writer.byte(0x21);
        }, 0);
        expect(out).toBe(`${before}${piece}!`);
      }
    }
  });
});

describe("the buffer", () => {
  test("keeps its content when it grows, and grows only if it must", () => {
    const out = new ByteWriter(8);
    out.put(literal("12345678"));
    const { bytes } = out;
    out.reserve(0);
    expect(out.bytes).toBe(bytes);
    out.reserve(1);
    // Eight bytes more than requested, because the last word of a literal may reach beyond its end.
    expect(out.bytes.length).toBe(2 * bytes.length);
    out.byte(0x39);
    out.reserve(1000);
    expect(out.bytes.length).toBe(1017);
    expect(decoder.decode(out.bytes.subarray(0, out.length))).toBe("123456789");
  });

  test("hands its memory over, and allocates new memory of the used size only for the next bytes", () => {
    const asked: number[] = [];
    const out = new ByteWriter(8, (bytes) => {
      asked.push(bytes);
      return new Uint8Array(bytes);
    });
    out.reserve(100);
    for (let i = 0; i < 50; i++) out.byte(0x61);
    const { bytes } = out;
    out.exchange((handed, length) => {
      expect([handed === bytes, length]).toEqual([true, 50]);
      return true;
    });
    expect([asked.length, out.length, out.bytes.length]).toEqual([1, 0, 0]);
    out.reserve(1);
    expect(asked[1]).toBe(50);
    out.byte(0x62);
    out.exchange(() => false);
    expect([out.length, out.bytes.length]).toEqual([0, 50]);
  });

  test("writes null, true and false", () => {
    expect(
      written((out) => {
        out.null();
        out.boolean(true);
        out.boolean(false);
      }),
    ).toBe("nulltruefalse");
  });
});
