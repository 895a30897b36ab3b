import { expect, test } from "bun:test";
import { textOf } from "../../src/json/text.ts";
import { CommTexts } from "../../src/totals/comm-texts.ts";
import { COMM_LEN } from "../../src/wire/layout.gen.ts";

function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(COMM_LEN);
  bytes.set(new TextEncoder().encode(text).subarray(0, COMM_LEN));
  return bytes;
}

test("texts of names match their bytes, also if there are more names than places", () => {
  const texts = new CommTexts();
  const names = ["", "a", "ab", "\u202eevil", "é", "x".repeat(COMM_LEN)];
  for (let i = 0; i < 2000; i++) names.push(`name-${i}`);
  for (let round = 0; round < 2; round++) {
    for (const name of names) for (let i = 0; i < 2; i++) expect(texts.of(bytesOf(name))).toBe(textOf(bytesOf(name)));
  }
});

test("bytes after the NUL of a name are ignored", () => {
  const texts = new CommTexts();
  const dirty = bytesOf("sh");
  dirty.fill(0x41, 3);
  expect([texts.of(bytesOf("sh")), texts.of(dirty), texts.of(dirty)]).toEqual(["sh", "sh", "sh"]);
  // Different invalid UTF-8 has the same text, but is different names.
  const [one, other] = [new Uint8Array([0xff, 0]), new Uint8Array([0xfe, 0])];
  expect([texts.of(one), texts.of(other)]).toEqual(["\ufffd", "\ufffd"]);
});
