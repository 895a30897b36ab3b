import { describe, expect, test } from "bun:test";
import { turnPath } from "../../src/process/turn-path.ts";
import { Prng } from "../../src/stats/prng.ts";
import { concat, pathComponents } from "../wire/make-record.ts";

/** Reverses `components` between other bytes, which must not change. */
function turned(components: Uint8Array): Buffer {
  const bytes = concat("before", components, "after");
  turnPath(bytes, 6, components.length);
  expect(Buffer.from(bytes.subarray(0, 6)).toString()).toBe("before");
  expect(Buffer.from(bytes.subarray(6 + components.length)).toString()).toBe("after");
  return Buffer.from(bytes.subarray(6, 6 + components.length));
}

describe("turnPath", () => {
  test.each([
    ["true\0bin\0usr\0", "/usr/bin/true"],
    ["init\0", "/init"],
    ["a\0b\0c\0", "/c/b/a"],
    ["memfd:x\0", "/memfd:x"],
    ["", ""],
  ])("%j becomes %j", (components, path) => {
    expect(turned(new TextEncoder().encode(components)).toString()).toBe(path);
  });

  test("reverses any path, with names of any bytes and any length up to NAME_MAX", () => {
    const prng = new Prng(1);
    for (let i = 0; i < 2000; i++) {
      const names = Array.from({ length: 1 + prng.index(40) }, () => {
        const length = 1 + prng.index(prng.index(10) === 0 ? 255 : 12);
        return Buffer.from(Array.from({ length }, () => 1 + prng.index(255))).map((byte) =>
          byte === 0x2f ? 0x2e : byte,
        );
      });
      const path = Buffer.concat(names.flatMap((name) => [Buffer.from("/"), name]));
      expect(Buffer.compare(turned(pathComponents(path)), path)).toBe(0);
    }
  });

  test("reverses a path that fills the whole record", () => {
    const path = "/x".repeat(15360 / 2);
    expect(turned(pathComponents(path)).toString()).toBe(path);
  });
});
