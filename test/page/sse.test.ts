import { describe, expect, test } from "bun:test";
import { EventParser } from "../../src/page/sse.ts";

const TEXT = 'retry: 2000\n\nid: a-1\nevent: exit\ndata: {"a":1}\n\n: heartbeat\n\nevent: gap\ndata: {"b": "c: d"}\n\n';
const EVENTS = [
  { id: "a-1", type: "exit", data: '{"a":1}' },
  { id: null, type: "gap", data: '{"b": "c: d"}' },
];

describe("server-sent events", () => {
  test("are parsed whole, however the stream is split", () => {
    for (let size = 1; size <= TEXT.length; size++) {
      const parser = new EventParser();
      const events = [];
      for (let at = 0; at < TEXT.length; at += size) events.push(...parser.push(TEXT.slice(at, at + size)));
      expect(events).toEqual(EVENTS);
    }
  });

  test("without an end cause an error instead of growing memory", () => {
    const parser = new EventParser();
    expect(() => {
      for (let i = 0; i < 10; i++) parser.push("x".repeat(1024 * 1024));
    }).toThrow("too long");
  });
});
