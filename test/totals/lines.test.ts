import { describe, expect, test } from "bun:test";
import { placeAt } from "../../src/cgroup/place.ts";
import { TotalsBuffers } from "../../src/totals/buffers.ts";
import { keyOf } from "../../src/totals/group.ts";
import { type LineFacts, totalsLines } from "../../src/totals/lines.ts";
import { FIRST_LIFETIME_BUCKET, TOTALS_OTHER } from "../../src/wire/layout.gen.ts";
import { type Added, TotalsMemory } from "./memory.ts";

const INTERVAL = { time: "2026-11-29T00:00:00.000000000Z", fromNs: 2n ** 60n, toNs: 2n ** 60n + 10n };

function lines(added: readonly Added[], facts: Partial<LineFacts> = {}) {
  const memory = new TotalsMemory(16);
  for (const [place, group] of added.entries()) memory.add(place, group);
  const groups = new TotalsBuffers(() => memory.bytes, 16, memory.switch).take();
  return totalsLines(groups, INTERVAL, {
    knowsExits: true,
    running: new Map(),
    usedNs: null,
    placeOf: () => undefined,
    ...facts,
  });
}

describe("totalsLines", () => {
  test("names the group, its place and all its figures", () => {
    const key = keyOf(77n, "sh");
    const [line] = lines(
      [{ cgroupId: 77n, comm: "sh", started: 3, execs: 2, exited_ok: 1, exited_signal: 1, lifetimes: { 4: 2 } }],
      {
        running: new Map([[key, { processes: 5, rssBytes: 4096 }]]),
        usedNs: new Map([[key, 123]]),
        placeOf: (id) => (id === 77n ? placeAt("/system.slice/a.service") : undefined),
      },
    );
    expect(line).toEqual({
      type: "totals",
      time: INTERVAL.time,
      ts_ns: INTERVAL.toNs,
      from_ns: INTERVAL.fromNs,
      to_ns: INTERVAL.toNs,
      cgroup_id: 77n,
      comm: "sh",
      other: false,
      cgroup: "/system.slice/a.service",
      unit: "a.service",
      started: 3,
      execs: 2,
      exited: { ok: 1, error: 0, signal: 1, unknown: 0 },
      exited_cpu_user_ns: 0,
      exited_cpu_system_ns: 0,
      cpu_ns: 123,
      peak_rss_bytes: 0,
      read_bytes: 0,
      write_bytes: 0,
      running: 5,
      rss_bytes: 4096,
      lifetime_ns: [[FIRST_LIFETIME_BUCKET + 4, 2]],
    });
  });

  test("without sampling only the number of running processes is known", () => {
    const [line] = lines([{ comm: "a", started: 1 }]);
    expect(line).toMatchObject({ cpu_ns: null, rss_bytes: null, running: 0 });
  });

  test("a backend without figures of exits reports only their number", () => {
    const [line] = lines([{ comm: "a", exited_unknown: 3 }], { knowsExits: false });
    expect(line).toMatchObject({
      exited: { ok: null, error: null, signal: null, unknown: 3 },
      exited_cpu_user_ns: null,
      peak_rss_bytes: null,
      lifetime_ns: null,
    });
  });

  test("a group in which nothing started or ended has a line if its processes used CPU time", () => {
    const found = lines([], { usedNs: new Map([[keyOf(5n, "a/b/c"), 10]]) });
    expect(found).toMatchObject([{ cgroup_id: 5n, comm: "a/b/c", started: 0, cpu_ns: 10 }]);
  });

  test("the rest of a cgroup has the CPU time that was used in it", () => {
    const rest = { kind: TOTALS_OTHER, exited_ok: 1, cpu_user_ns: 150 };
    const usedNs = new Map([[keyOf(1n, "", TOTALS_OTHER), 30]]);
    expect(lines([rest], { usedNs })).toMatchObject([{ other: true, exited_cpu_user_ns: 150, cpu_ns: 30 }]);
    expect(lines([], { usedNs })).toMatchObject([{ other: true, cgroup_id: 1n, cpu_ns: 30, running: null }]);
  });

  test('distinguishes the rest of a cgroup from a process named "other"', () => {
    const found = lines([
      { comm: "other", started: 1 },
      { kind: TOTALS_OTHER, started: 2 },
    ]);
    expect(found).toMatchObject([
      { comm: "other", other: false, started: 1 },
      { comm: "other", other: true, started: 2, running: null },
    ]);
  });

  test("bytes of a name that are not UTF-8 become U+FFFD", () => {
    expect(lines([{ comm: "a\xff", started: 1 }])).toMatchObject([{ comm: "a\ufffd" }]);
  });
});
