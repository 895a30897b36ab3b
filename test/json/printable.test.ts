import { describe, expect, test } from "bun:test";
import { commandLine, printable } from "../../src/json/printable.ts";
import { textOf } from "../../src/json/text.ts";
import { Prng } from "../../src/stats/prng.ts";
import { randomText } from "../sinks/random-record.ts";

/** Unicode classes of characters that control a terminal, change the direction of a line, or are invisible. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

describe("printable", () => {
  test("escapes every character that controls a terminal or is invisible, and no other", () => {
    for (let code = 0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code);
      const safe = printable(character);
      if (UNSAFE.test(safe)) throw new Error(`U+${code.toString(16)} comes through`);
      // A safe character stays unchanged.
      if (!UNSAFE.test(character) && safe !== character) throw new Error(`U+${code.toString(16)} became ${safe}`);
    }
  });

  test("leaves no unsafe character in random text of processes", () => {
    const prng = new Prng(1);
    for (let i = 0; i < 20_000; i++) {
      const text = textOf(randomText(prng, 60));
      expect(UNSAFE.test(printable(text))).toBe(false);
      expect(UNSAFE.test(commandLine([text, text]))).toBe(false);
    }
  });

  test.each([
    ["plain text, grün 漢字 😀", "plain text, grün 漢字 😀"],
    ["a\nb\tc\rd\x1be", "a\\nb\\tc\\rd\\ee"],
    ["\x00\x07\x7f\x80\x9b31m", "\\x00\\x07\\x7f\\x80\\x9b31m"],
    ["\x1b[2J\x1b]0;title\x07", "\\e[2J\\e]0;title\\x07"],
    ["exe\u202egnp.txt", "exe\\u202egnp.txt"],
    ["\u2066a\u2069\u200b\ufeff\u2028", "\\u2066a\\u2069\\u200b\\ufeff\\u2028"],
    ["sh\u{e0041}", "sh\\u{e0041}"],
    ["\ud800x", "\\ud800x"],
    ["\ufffd", "\ufffd"],
    ["a\u001b[31mb\nc\u202e", "a\\e[31mb\\nc\\u202e"],
    ["", ""],
  ])("%j", (text, safe) => {
    expect(printable(text)).toBe(safe);
  });
});

test("printable keeps the unsafe characters that its caller permits, and no others", () => {
  expect(printable("a\nb\tc\rd\u202e", "\n\t")).toBe("a\nb\tc\\rd\\u202e");
});

describe("commandLine", () => {
  test.each([
    [["ls", "-l", "/usr/bin"], "ls -l /usr/bin"],
    [["a b"], "'a b'"],
    [[""], "''"],
    [["echo", "", "x"], "echo '' x"],
    [["it's"], "'it'\\''s'"],
    [["a\nb"], "'a\\nb'"],
    [["plain\n"], "'plain\\n'"],
    [["$HOME", "`id`", "*", ";", "\\"], "'$HOME' '`id`' '*' ';' '\\'"],
    [["--a=b,c:d", "x@y%z+1", "~"], "--a=b,c:d x@y%z+1 ~"],
    [["grün"], "'grün'"],
    [[], ""],
  ])("%j", (args, line) => {
    expect(commandLine(args)).toBe(line);
  });
});
