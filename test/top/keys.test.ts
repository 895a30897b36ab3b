import { describe, expect, test } from "bun:test";
import { KeyParser } from "../../src/top/keys.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("keys from what a terminal sends", () => {
  test.each([
    ["\x1b[A", ["up"]],
    ["\x1bOB", ["down"]],
    ["\x1b[1;5C", ["right"]],
    ["\x1b[5~\x1b[6~", ["pageup", "pagedown"]],
    ["\x1b[H\x1b[1~\x1bOF\x1b[4~", ["home", "home", "end", "end"]],
    ["\x1b[Z\t", ["backtab", "tab"]],
    ["\r\n", ["enter", "enter"]],
    ["\x7f\x08\x0c\x15", ["backspace", "backspace", "ctrl-l", "ctrl-u"]],
    ["aé字🙂", ["a", "é", "字", "🙂"]],
    // Answers of the terminal, and sequences that are no keys of top.
    ["\x1b[?62;22c\x1b]11;rgb:0000/0000/0000\x07\x1b]0;q\x1b\\\x1bPq\x1b\\x", ["x"]],
    ["\x1b[<0;1;1Ms", ["s"]],
    // top has no Alt keys: an escape and a letter in one read are two keys.
    ["\x1bq", ["escape", "q"]],
    ["\x1b\x1b[A", ["escape", "up"]],
  ])("%j", (text, keys) => {
    expect(new KeyParser().push(bytes(text))).toEqual(keys);
  });

  test("are the same when each byte arrives alone", () => {
    const text = "q\x1b[A\x1b[6~é🙂\x1bOH\x1b]0;abc\x07z";
    const parser = new KeyParser();
    const keys = [...bytes(text)].flatMap((byte) => parser.push(Uint8Array.of(byte)));
    expect(keys).toEqual(new KeyParser().push(bytes(text)));
    expect(keys).toEqual(["q", "up", "pagedown", "é", "🙂", "home", "z"]);
  });

  test("an escape alone is a key once nothing follows", () => {
    const parser = new KeyParser();
    expect(parser.push(bytes("\x1b"))).toEqual([]);
    expect(parser.waits).toBe(true);
    expect(parser.flush()).toEqual(["escape"]);
    expect(parser.waits).toBe(false);
    expect(parser.push(bytes("["))).toEqual(["["]);
  });

  test("a sequence without an end does not swallow later keys", () => {
    const parser = new KeyParser();
    parser.push(bytes(`\x1b[${"1;".repeat(200)}`));
    expect(parser.push(bytes("\x1b[Aq"))).toEqual(["up", "q"]);
    parser.push(bytes(`\x1b]${"x".repeat(5000)}`));
    expect(parser.push(bytes("\x1b[Aq")).slice(-2)).toEqual(["up", "q"]);
  });
});
