import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import type { EventType } from "../../src/config/sections/probes.ts";
import { chooseBackend, holdsBackExits, sentTypes, TIMESTAMP_OFFSET } from "../../src/probes/backend.ts";
import { recordIn } from "../../src/wire/record.ts";
import { probeOptions } from "../collect/collector-options.ts";
import { forkRecord } from "../wire/make-record.ts";

describe("what has to be sent", () => {
  const cases: [EventType[], EventType[]][] = [
    [["fork"], ["fork"]],
    [["exec"], ["exec"]],
    [
      ["fork", "exec"],
      ["fork", "exec"],
    ],
    // An exit has path and arguments of the last exec, which may be from before the fork.
    [["exit"], ["exit", "exec", "fork"]],
    [
      ["exec", "exit"],
      ["exec", "exit", "fork"],
    ],
    [
      ["fork", "exit"],
      ["fork", "exit", "exec"],
    ],
    [
      ["fork", "exec", "exit"],
      ["fork", "exec", "exit"],
    ],
  ];
  test.each(cases)("for %p is %p", (events, sent) => {
    expect(sentTypes(events).toSorted()).toEqual(sent.toSorted());
    expect(new Set(sentTypes(events)).size).toBe(sentTypes(events).length);
  });
});

describe("exits", () => {
  const { events, filters } = probeOptions();

  test("are all reported without a filter", () => {
    expect(holdsBackExits({ events, filters })).toBe(false);
    expect(holdsBackExits({ events: ["exit"], filters })).toBe(false);
  });

  test("are held back by every filter, and unless they are asked for", () => {
    const some = [{ pids: [1] }, { uids: [0] }, { comms: ["sh"] }, { cgroup: { id: 1n } }, { minDurationNs: 1 }];
    for (const filter of some) expect(holdsBackExits({ events, filters: { ...filters, ...filter } })).toBe(true);
    expect(holdsBackExits({ events: ["fork", "exec"], filters })).toBe(true);
  });
});

describe("the backend", () => {
  test("is the one that was asked for", () => {
    expect(chooseBackend("btf")).toBe("btf");
    expect(chooseBackend("tracepoint")).toBe("tracepoint");
  });

  test("is btf exactly where the kernel has BTF, when it may choose", () => {
    expect(chooseBackend("auto")).toBe(existsSync("/sys/kernel/btf/vmlinux") ? "btf" : "tracepoint");
  });

  test("records are ordered by their time", () => {
    expect(recordIn(forkRecord({ pid: 1, ts_ns: 12345n, start_ns: 7n })).u64(TIMESTAMP_OFFSET)).toBe(12345);
  });
});
