import { describe, expect, test } from "bun:test";
import { ByteRegexp } from "../../src/regexp/byte-regexp.ts";
import { RegexpRefusal } from "../../src/regexp/syntax.ts";
import { Prng } from "../../src/stats/prng.ts";

const ENOUGH = 1e9;

/** All matches. Each is an array of the whole match and its groups. */
function matches(pattern: string, text: string): (string | null)[][] {
  const bytes = new TextEncoder().encode(text);
  const found: (string | null)[][] = [];
  const left = new ByteRegexp(pattern).findAll(bytes, bytes.length, ENOUGH, (places) => {
    const groups: (string | null)[] = [];
    for (let slot = 0; slot < places.length; slot += 2) {
      const start = places[slot] as number;
      groups.push(start < 0 ? null : new TextDecoder().decode(bytes.subarray(start, places[slot + 1])));
    }
    found.push(groups);
  });
  expect(left).toBeGreaterThanOrEqual(0);
  return found;
}

describe("ByteRegexp", () => {
  test.each<[string, string, (string | null)[][]]>([
    ["a", "banana", [["a"], ["a"], ["a"]]],
    ["", "ab", [[""], [""], [""]]],
    ["a|ab", "ab", [["a"]]],
    ["ab|a", "ab", [["ab"]]],
    ["a+", "aaba", [["aa"], ["a"]]],
    ["a+?", "aa", [["a"], ["a"]]],
    ["a{2}", "aaaaa", [["aa"], ["aa"]]],
    ["a{2,}", "aaaaa", [["aaaaa"]]],
    ["a{1,2}?b", "aab", [["aab"]]],
    ["a{,2}", "a{,2}", [["a{,2}"]]],
    ["x{", "x{", [["x{"]]],
    [
      "--password[ =](\\S+)",
      "x --password=geheim --password y",
      [
        ["--password=geheim", "geheim"],
        ["--password y", "y"],
      ],
    ],
    ["://[^:/]*:([^@]*)@", "psql://me:pw@host", [["://me:pw@", "pw"]]],
    [
      "(a)|(b)",
      "ab",
      [
        ["a", "a", null],
        ["b", null, "b"],
      ],
    ],
    ["(?i)ToKen=", "TOKEN= token=", [["TOKEN="], ["token="]]],
    ["a(?i:b)c", "aBc aBC", [["aBc"]]],
    ["(?i)[a-c]+", "aBCd", [["aBC"]]],
    ["^a|b$", "ab ab", [["a"], ["b"]]],
    ["\\bkey\\b", "key monkey key2 key", [["key"], ["key"]]],
    ["[]a]+", "a]b", [["a]"]]],
    ["[^]a]", "a]b", [["b"]]],
    ["[a-]+", "a-b", [["a-"]]],
    ["[\\d.]+", "v1.20", [["1.20"]]],
    ["\\x41\\x{42}\\.", "AB.", [["AB."]]],
    ["é+", "éé", [["éé"]]],
    [".", "é", [["\ufffd"], ["\ufffd"]]],
    ["(?P<name>x)(?<other>y)", "xy", [["xy", "x", "y"]]],
    ["a.c", "a\nc", [["a\nc"]]],
  ])("%j finds all matches in %j", (pattern, text, expected) => {
    expect(matches(pattern, text)).toEqual(expected);
  });

  test.each<[string, string]>([
    ["(", "without its )"],
    [")", "without its ("],
    ["[a", "without its ]"],
    ["*", "nothing stands before *"],
    ["a**", "two repetitions"],
    ["^*", "cannot be repeated"],
    ["a{2,1}", "ends before it begins"],
    ["a{1001}", "more than 1000"],
    ["(?:(?:a{100}){100}){100}", "more than 2000 steps"],
    ["(a)\\1", "refers to a group"],
    ["(?=a)", "ahead or behind"],
    ["(?<!a)", "ahead or behind"],
    ["(?m)a", "unknown kind of group"],
    ["\\q", "unknown escape"],
    ["\\", "ends in a backslash"],
    ["[é]", "only ASCII"],
    ["[[:alpha:]]", "not supported"],
    ["[b-a]", "ends before it begins"],
    ["(?:".repeat(60), "deep"],
    ["(a)".repeat(17), "more than 16 groups"],
  ])("refuses %j", (pattern, why) => {
    expect(() => new ByteRegexp(pattern)).toThrow(RegexpRefusal);
    expect(() => new ByteRegexp(pattern)).toThrow(why);
  });

  test("uses far fewer steps than a backtracking engine, which would not end", () => {
    for (const pattern of ["(a+)+b", "(a|a)*b", "(a|aa)+$", "(.*)(.*)(.*)(.*)[^a]", `${"a?".repeat(30)}a{30}b`]) {
      const regexp = new ByteRegexp(pattern);
      const stepsFor = (length: number) =>
        ENOUGH - regexp.findAll(new Uint8Array(length).fill(0x61), length, ENOUGH, () => undefined);
      // All searches together may be quadratic, but one pass is linear.
      expect(stepsFor(4000)).toBeLessThan(4.5 * stepsFor(1000));
    }
  });

  test("stops when its steps are used up", () => {
    const input = new Uint8Array(10_000).fill(0x61);
    let found = 0;
    const count = () => {
      found++;
      return undefined;
    };
    expect(new ByteRegexp("a.*b|a").findAll(input, input.length, 100_000, count)).toBeLessThan(0);
    expect(found).toBeLessThan(10_000);
  });

  test("finds the same matches as the engine of JavaScript, on random expressions", () => {
    const random = new Prng(20_261_122);
    const pick = <T>(items: readonly T[]): T => items[random.uint32() % items.length] as T;
    /** Never matches the empty string, so that its repetition means the same in both engines. */
    const solid = (depth: number): string => {
      if (depth === 0) return pick(["a", "b", "[ab]", "[^a]", ".", "c"]);
      const kind = pick(["atom", "group", "choice", "sequence", "repeat"]);
      if (kind === "group") return `(${solid(depth - 1)})`;
      if (kind === "choice") return `(?:${solid(depth - 1)}|${solid(depth - 1)})`;
      if (kind === "sequence") return solid(depth - 1) + pick(["", "\\b", "x?", "a*", "b*?"]) + solid(depth - 1);
      if (kind === "repeat") return `(?:${solid(depth - 1)})${pick(["+", "+?", "{1,2}", "{2}", "{1,}?"])}`;
      return solid(0);
    };
    for (let round = 0; round < 1000; round++) {
      const pattern = pick(["", "^"]) + solid(3) + pick(["", "", "$"]);
      const text = Array.from({ length: 12 }, () => pick(["a", "b", "c", " "])).join("");
      const expected = [...text.matchAll(new RegExp(pattern, "gs"))].map(([whole]) => whole);
      expect({ pattern, text, found: matches(pattern, text).map(([whole]) => whole as string) }).toEqual({
        pattern,
        text,
        found: expected,
      });
    }
  });
});
