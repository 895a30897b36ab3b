import { expect, test } from "bun:test";
import { facts, table, wrap } from "../../src/report/terminal/layout.ts";

const PLAIN = { color: false, columns: null };

test("lines break between words, and only if there is a width", () => {
  expect(wrap("one two three", 8)).toEqual(["one two", "three"]);
  expect(wrap("one two three", null)).toEqual(["one two three"]);
  expect(wrap("unbreakable", 4)).toEqual(["unbreakable"]);
});

test("facts are printed beside their labels, with further lines below the first", () => {
  const rows = [
    ["a", "short"],
    ["label", "a text that is longer than what is left of the line beside it, by far"],
  ] as const;
  expect(facts(rows, PLAIN)).toEqual([
    "  a      short",
    "  label  a text that is longer than what is left of the line beside it, by far",
  ]);
  const narrow = facts(rows, { color: false, columns: 50 });
  expect(narrow.length).toBe(3);
  expect(narrow.every((line) => line.length <= 50)).toBe(true);
  expect(narrow[2]).toStartWith("         ");
});

test("a table's columns are as wide as their content, or as the given width", () => {
  const columns = [
    { head: "what", align: "left" as const },
    { head: "%", width: 5 },
  ];
  expect(
    table(
      columns,
      [
        ["µs", "1.0"],
        ["longer", "12.25"],
      ],
      PLAIN,
    ),
  ).toEqual(["  what        %", "  µs        1.0", "  longer  12.25"]);
});

test("colours are used only if requested", () => {
  const fact = [["a", "b", "good"]] as const;
  expect(facts(fact, PLAIN)).toEqual(["  a  b"]);
  expect(facts(fact, { color: true, columns: null })).toEqual(["  a  \u001b[32mb\u001b[0m"]);
});
