import { describe, expect, test } from "bun:test";
import { LineCutter } from "../../src/sys/child.ts";
import { parseMessage } from "../../src/workload/protocol.ts";

describe("LineCutter", () => {
  test("returns the same lines for any pieces of a text", () => {
    const text = "first\n\nthird ünïcode\nlast without end";
    for (let size = 1; size <= text.length; size++) {
      const cutter = new LineCutter();
      const lines: string[] = [];
      for (let at = 0; at < text.length; at += size) lines.push(...cutter.push(text.slice(at, at + size)));
      expect(lines).toEqual(["first", "", "third ünïcode"]);
      expect(cutter.push("\n")).toEqual(["last without end"]);
    }
  });
});

describe("parseMessage", () => {
  test("keeps times above 2^53 exact", () => {
    const line = JSON.stringify({
      type: "ready",
      spawnerPid: 1,
      folder: "/tmp/x",
      run: 12_345,
      originNs: "9007199254740993",
      commands: [],
      leftOut: [],
    });
    expect(parseMessage(line)).toMatchObject({ type: "ready", originNs: 9007199254740993n });
  });

  test.each([["not json"], ["{}"], ['{"type":"other"}'], ['{"type":"rows","rows":{"pid":[1]}}'], ['{"type":"rows"}']])(
    "%s is refused",
    (line) => {
      expect(() => parseMessage(line)).toThrow();
    },
  );
});
