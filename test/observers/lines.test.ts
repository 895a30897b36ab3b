import { expect, test } from "bun:test";
import { splitLines } from "../../src/observers/lines.ts";

function split(chunks: string[], maxLineBytes?: number): { lines: string[]; cutLines: number } {
  const tally = { cutLines: 0 };
  const bytes = chunks.map((chunk) => Buffer.from(chunk, "latin1"));
  return { lines: [...splitLines(bytes, tally, maxLineBytes)], cutLines: tally.cutLines };
}

test("lines end at newlines, independent of the ends of chunks", () => {
  expect(split(["a\nb", "c\n", "\nd"]).lines).toEqual(["a", "bc", "", "d"]);
  expect(split(["a\n"]).lines).toEqual(["a"]);
  expect(split([]).lines).toEqual([]);
});

test("every byte value except newline is kept", () => {
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte)).replace("\n", "");
  expect(split([`${all}\n`]).lines).toEqual([all]);
});

test("a line above the bound is cut and counted, and the next line is whole", () => {
  expect(split(["123456\n12345\n"], 5)).toEqual({ lines: ["12345", "12345"], cutLines: 1 });
  expect(split(["123", "45", "67", "89\nab\n"], 5)).toEqual({ lines: ["12345", "ab"], cutLines: 1 });
  expect(split(["123456"], 5)).toEqual({ lines: ["12345"], cutLines: 1 });
});
