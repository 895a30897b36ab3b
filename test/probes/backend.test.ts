import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import type { EventType } from "../../src/config/sections/probes.ts";
import { chooseBackend, holdsBackExits, sentTypes, TIMESTAMP_OFFSET } from "../../src/probes/backend.ts";
import { recordIn } from "../../src/wire/record.ts";
import { probeOptions } from "../collect/collector-options.ts";
import { forkRecord } from "../wire/make-record.ts";

describe("the record types that the kernel side must send", () => {
  const cases: [EventType[], EventType[]][] = [
    [["fork"], ["fork"]],
    [["exec"], ["exec"]],
    [
      ["fork", "exec"],
      ["fork", "exec"],
    ],
    // An exit event contains path and arguments of the last exec, which may be older than the fork.
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
  test.each(cases)("for events %p are %p", (events, sent) => {
    expect(sentTypes(events).toSorted()).toEqual(sent.toSorted());
    expect(new Set(sentTypes(events)).size).toBe(sentTypes(events).length);
  });
});

describe("exits", () => {
  const { events, filters } = probeOptions();

  test("are all sent without a filter", () => {
    expect(holdsBackExits({ events, filters })).toBe(false);
    expect(holdsBackExits({ events: ["exit"], filters })).toBe(false);
  });

  test("may be held back if a filter is set or exit events are not requested", () => {
    const some = [{ pids: [1] }, { uids: [0] }, { comms: ["sh"] }, { cgroup: { id: 1n } }, { minDurationNs: 1 }];
    for (const filter of some) expect(holdsBackExits({ events, filters: { ...filters, ...filter } })).toBe(true);
    expect(holdsBackExits({ events: ["fork", "exec"], filters })).toBe(true);
  });
});

describe("the backend", () => {
  test("is the requested backend", () => {
    expect(chooseBackend("btf")).toBe("btf");
    expect(chooseBackend("tracepoint")).toBe("tracepoint");
  });

  test("is chosen by auto: btf if the kernel has BTF, else tracepoint", () => {
    expect(chooseBackend("auto")).toBe(existsSync("/sys/kernel/btf/vmlinux") ? "btf" : "tracepoint");
  });

  test("records are ordered by their time", () => {
    expect(recordIn(forkRecord({ pid: 1, ts_ns: 12345n, start_ns: 7n })).u64(TIMESTAMP_OFFSET)).toBe(12345);
  });
});
