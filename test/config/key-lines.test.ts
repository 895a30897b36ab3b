import { describe, expect, test } from "bun:test";
import parse from "@iarna/toml/parse-string";
import { locateKeys } from "../../src/config/key-lines.ts";

function lineOf(text: string, ...path: string[]): number | null {
  parse(text); // the text must be valid TOML
  return locateKeys(text).find(path);
}

describe("locateKeys", () => {
  test("finds tables, keys and dotted keys", () => {
    const text = "# head\na = 1\n\n[ring] # size = 2\nsize = 3\n  b.c = 4 # x\n[ other . table ]\nsize = 5\n";
    expect(lineOf(text, "a")).toBe(2);
    expect(lineOf(text, "ring")).toBe(4);
    expect(lineOf(text, "ring", "size")).toBe(5);
    expect(lineOf(text, "ring", "b", "c")).toBe(6);
    expect(lineOf(text, "other", "table", "size")).toBe(8);
  });

  test("returns the line of the longest existing part of a path", () => {
    expect(lineOf("[a]\nb = 1\n", "a", "x", "y")).toBe(1);
    expect(lineOf("[a]\nb = 1\n", "b")).toBeNull();
  });

  test("ignores text that looks like keys in strings, comments and lists", () => {
    const text = [
      's = """',
      "x = 1",
      '[t] \\""" # not the end',
      '"""" # the end, and a quote of its own',
      "l = '''",
      "y = 2'''",
      "list = [ # z = 1",
      "  'z = 3', \"]\",",
      "  [ 1, 2 ],",
      "]",
      "z = 4",
    ].join("\n");
    expect(lineOf(text, "x")).toBeNull();
    expect(lineOf(text, "t")).toBeNull();
    expect(lineOf(text, "y")).toBeNull();
    expect(lineOf(text, "list", "0")).toBe(8);
    expect(lineOf(text, "list", "2", "1")).toBe(9);
    expect(lineOf(text, "z")).toBe(11);
  });

  test("finds keys in inline tables, and quoted keys", () => {
    const text = "a = { b = { c = 1 },\td = 'x' }\n\"q.\\u0041\" = 1\n'l\\' = 2\n";
    expect(lineOf(text, "a", "b", "c")).toBe(1);
    expect(lineOf(text, "a", "d")).toBe(1);
    expect(lineOf(text, "q.A")).toBe(2);
    expect(lineOf(text, "l\\")).toBe(3);
  });

  test("counts lines that end in CR LF, and finds tables in lists", () => {
    expect(lineOf("a = 1\r\n\r\n[[t]]\r\nb = 2\r\n", "t", "b")).toBe(4);
  });

  test("terminates on any text, valid or not, at any depth", () => {
    for (const text of ["a = ", "[", "]", "=", "a", '"', "a = '''", "a = {", "a = [,", "\0", "[a", "a = [".repeat(5)]) {
      locateKeys(text);
    }
    expect(locateKeys(`b = 1\na = ${"[".repeat(200_000)}${"]".repeat(200_000)}\nc = 1`).find(["b"])).toBe(1);
  });
});
