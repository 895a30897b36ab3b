import { describe, expect, test } from "bun:test";
import { NameIndex } from "../../src/cgroup/name-index.ts";

/** The index of a text that is read in pieces of `pieceBytes` bytes. */
function indexOf(text: string, pieceBytes = text.length + 1): NameIndex {
  const bytes = Buffer.from(text);
  const index = new NameIndex();
  for (let at = 0; at < bytes.length; at += pieceBytes) index.take(bytes.subarray(at, at + pieceBytes));
  index.end();
  return index;
}

/** A simple parser, with whose result the index must agree. */
function namesOf(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split("\n")) {
    const [name, , id] = line.split(":");
    if (!name || !id || !/^\d{1,10}$/.test(id) || /^[+#-]/.test(name) || Buffer.byteLength(name) > 1024) continue;
    if (Number(id) <= 2 ** 32 - 2 && !names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}

describe("the index of names in passwd(5) and group(5)", () => {
  test("returns the name of the first line with an id", () => {
    const names = indexOf("root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n");
    expect([names.nameOf(0), names.nameOf(65534), names.nameOf(1)]).toEqual(["root", "nobody", null]);
  });

  test("skips lines without a valid name or id", () => {
    const lines = [
      "+",
      "+::::::",
      "-bad:x:5:",
      "# a:b:7",
      ":x:8:",
      "half:x",
      "word:x:nine:",
      "empty:x::",
      "",
      "sign:x:-9:",
    ];
    const names = indexOf(
      [...lines, "large:x:4294967295:", "longer:x:00000000010:", "most:x:4294967294:", ""].join("\n"),
    );
    for (const id of [0, 5, 7, 8, 9, 10, 4294967295]) expect(names.nameOf(id)).toBeNull();
    expect(names.nameOf(4294967294)).toBe("most");
  });

  test("is the same for input in pieces of any size", () => {
    const text = "root:x:0:0::/\n\nünï:x:7:7\r\n#c:x:1:\na b:x:12\nlong:x:12345678901:\nlast:x:4000000000";
    for (let piece = 1; piece <= Buffer.byteLength(text); piece++) {
      const names = indexOf(text, piece);
      expect([0, 7, 12, 1, 4000000000].map((id) => names.nameOf(id))).toEqual(["root", "ünï", "a b", null, "last"]);
    }
  });

  test("agrees with a simple parser on thousands of lines, invalid lines included", () => {
    const random = (below: number) => Math.floor(Math.random() * below);
    const pick = (...of: string[]) => of[random(of.length)] as string;
    const line = () => {
      const name = pick("", "+", "-x", "a", "é", "#", "x".repeat(random(1100)), `user${random(9999)}`);
      return [name, pick("x", "", "*"), pick("", "nine", "1x", `${random(5000)}`, `${random(2 ** 34)}`), "rest"]
        .slice(0, 1 + random(4))
        .join(":");
    };
    const text = Array.from({ length: 4000 }, line).join("\n");
    const expected = namesOf(text);
    const names = indexOf(text, 1 + random(5000));
    for (let id = 0; id < 5000; id++) expect(names.nameOf(id)).toBe(expected.get(id) ?? null);
    for (const [id, name] of expected) expect(names.nameOf(id)).toBe(name);
  });

  test("reads the last line without a newline, very long lines, and an empty file", () => {
    expect(indexOf("x".repeat(100_000), 4096).nameOf(0)).toBeNull();
    expect(indexOf(`${"x".repeat(100_000)}:x:0:\nanna:x:0:`, 4096).nameOf(0)).toBe("anna");
    expect(indexOf(`anna:x:0:${"y".repeat(100_000)}`, 4096).nameOf(0)).toBe("anna");
    expect(indexOf("").nameOf(0)).toBeNull();
  });
});
