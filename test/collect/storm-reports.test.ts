import { describe, expect, test } from "bun:test";
import { StormReports, type StormReportsParts } from "../../src/collect/storm-reports.ts";
import { StormPlaces } from "../../src/probes/storm-places.ts";
import type { StormEvent } from "../../src/wire/event.ts";
import {
  EVENT_EXIT,
  EVENT_FORK,
  STORM,
  STORM_CGROUP,
  STORM_CHANGING,
  STORM_COMM,
  STORM_CROWD,
  STORM_NO_UID,
  STORM_PLACES,
  STORM_PROCESS,
  STORM_UID,
} from "../../src/wire/layout.gen.ts";

const MS = 1_000_000n;

/** The storm places of the kernel side. */
class Memory {
  readonly bytes = new ArrayBuffer(STORM_PLACES * STORM.size);
  readonly #view = new DataView(this.bytes);

  u32(place: number, offset: number, value: number): void {
    this.#view.setUint32(place * STORM.size + offset, value, true);
  }

  u64(place: number, offset: number, value: bigint): void {
    this.#view.setBigUint64(place * STORM.size + offset, value, true);
  }

  text(place: number, offset: number, text: string): void {
    new Uint8Array(this.bytes).set(Buffer.from(text), place * STORM.size + offset);
  }

  begin(place: number, kind = STORM_PROCESS): void {
    this.u32(place, STORM.claims, 1);
    this.u32(place, STORM.kind, kind);
    this.u32(place, STORM.pid, kind === STORM_PROCESS ? 77 : 0);
    this.u64(place, STORM.start_ns, kind === STORM_PROCESS ? 5n : 0n);
    this.u64(place, STORM.cgroup_id, 9n);
    this.u32(place, STORM.uid, 1000);
    this.u64(place, STORM.since_ns, 100n * MS);
    this.u64(place, STORM.until_ns, 2100n * MS);
    this.u32(place, STORM.is_ready, 1);
  }

  suppress(place: number, type: number, count: number): void {
    this.u64(place, STORM.suppressed + 8 * type, BigInt(count));
  }

  comm(place: number, at: number, comm: string, count: number): void {
    const offset = STORM.comms + at * STORM.comms_stride;
    this.text(place, offset + STORM_COMM.comm, comm);
    this.u32(place, offset + STORM_COMM.count, count);
  }
}

function parts(more: Partial<StormReportsParts> = {}) {
  const memory = new Memory();
  const events: StormEvent[] = [];
  const state = { nowNs: 200n * MS };
  const reports = new StormReports({
    places: new StormPlaces(memory.bytes),
    isOn: () => true,
    cgroupPath: (id) => (id === 9n ? "/nine" : null),
    processOf: () => ({ comm: "from-table", cgroupId: 9n, uid: 1001 }),
    take: (event) => events.push(event),
    nowNs: () => state.nowNs,
    ...more,
  });
  return { memory, events, state, reports };
}

describe("StormReports", () => {
  test("reports the begin once an event was counted, and the end with all counts", () => {
    const { memory, events, state, reports } = parts();
    memory.begin(3);
    memory.text(3, STORM.comm, "bomb");
    reports.tick();
    expect(events).toEqual([]);
    memory.suppress(3, EVENT_FORK, 40);
    reports.tick();
    reports.tick();
    expect(events.map(({ state: each }) => each)).toEqual(["begin"]);
    expect(events[0]).toMatchObject({
      type: "storm",
      source: { kind: "process", pid: 77, start_ns: 5n, cgroup_id: 9n, cgroup: "/nine", uid: 1000, comm: "bomb" },
      suppressed: null,
      comms: null,
    });
    expect([reports.begun, reports.active]).toEqual([1, 1]);
    memory.suppress(3, EVENT_EXIT, 30);
    memory.u64(3, STORM.exited_ok, 20n);
    memory.u64(3, STORM.exited_signal, 10n);
    memory.u64(3, STORM.cpu_user_ns, 11n);
    memory.u64(3, STORM.cpu_system_ns, 22n);
    for (let at = 0; at < 12; at++) memory.comm(3, at, `c${at}`, 1 + at);
    memory.u64(3, STORM.other_comms, 1000n);
    state.nowNs = 2200n * MS;
    reports.tick();
    expect(events).toHaveLength(1);
    state.nowNs = 2700n * MS;
    reports.tick();
    expect(events[1]).toMatchObject({
      state: "end",
      suppressed: { fork: 40, exec: 0, exit: 30 },
      exited: { ok: 20, error: 0, signal: 10, unknown: 0 },
      exited_cpu_user_ns: 11,
      exited_cpu_system_ns: 22,
      window_ns: 2e9,
    });
    expect(events[1]?.comms).toHaveLength(10);
    expect(events[1]?.comms?.[0]).toEqual({ comm: "c11", count: 12 });
    expect([reports.begun, reports.active]).toEqual([1, 0]);
    // The place is free for another storm.
    expect(new Uint8Array(memory.bytes).every((byte) => byte === 0)).toBe(true);
  });

  test("does not report a storm without counted events", () => {
    const { memory, events, state, reports } = parts();
    memory.begin(0);
    reports.tick();
    state.nowNs = 9000n * MS;
    reports.tick();
    expect(events).toEqual([]);
    expect(new Uint8Array(memory.bytes).every((byte) => byte === 0)).toBe(true);
  });

  test("merges a storm that two CPUs began at the same time", () => {
    const { memory, events, state, reports } = parts();
    for (const place of [1, 8]) {
      memory.begin(place);
      memory.suppress(place, EVENT_FORK, place);
      memory.comm(place, 0, "same", place);
    }
    reports.tick();
    state.nowNs = 9000n * MS;
    reports.tick();
    expect(events.map(({ state: each }) => each)).toEqual(["begin", "end"]);
    expect(events[1]).toMatchObject({ suppressed: { fork: 9 }, comms: [{ comm: "same", count: 9 }] });
  });

  test("reports unavailable figures as null", () => {
    const { memory, events, reports } = parts();
    memory.begin(0);
    memory.begin(1, STORM_CGROUP | STORM_CHANGING);
    memory.begin(2, STORM_UID);
    for (const place of [0, 1, 2]) memory.suppress(place, EVENT_EXIT, 2);
    // The tracepoint backend does not know how processes end.
    for (const place of [0, 1, 2]) memory.u64(place, STORM.exited_unknown, 2n);
    reports.finish();
    const sources = events.filter(({ state }) => state === "end").map(({ source }) => source);
    const nothing = { pid: null, start_ns: null, comm: null };
    expect(sources).toEqual([
      { kind: "process", pid: 77, start_ns: 5n, cgroup_id: 9n, cgroup: "/nine", uid: 1000, comm: "from-table" },
      { ...nothing, kind: "cgroup", cgroup_id: 9n, cgroup: "/nine", uid: null },
      { ...nothing, kind: "uid", cgroup_id: null, cgroup: null, uid: 1000 },
    ]);
    for (const event of events.filter(({ state }) => state === "end")) {
      expect(event.exited).toEqual({ ok: null, error: null, signal: null, unknown: 2 });
      expect([event.exited_cpu_user_ns, event.exited_cpu_system_ns]).toEqual([null, null]);
    }
    expect(reports.active).toBe(0);
  });

  test("adds facts about a process from the table that the BPF programs do not know", () => {
    const { memory, events, reports } = parts();
    memory.begin(0);
    memory.u64(0, STORM.cgroup_id, 0n);
    memory.u32(0, STORM.uid, STORM_NO_UID);
    memory.text(0, STORM.comm, "loop");
    memory.suppress(0, EVENT_FORK, 1);
    reports.tick();
    expect(events[0]?.source).toMatchObject({ cgroup_id: 9n, cgroup: "/nine", uid: 1001, comm: "loop" });
  });

  test("reports facts that neither the BPF programs nor the table know as null", () => {
    const { memory, events, reports } = parts({ processOf: () => undefined });
    memory.begin(0);
    memory.u64(0, STORM.cgroup_id, 0n);
    memory.u32(0, STORM.uid, STORM_NO_UID);
    memory.suppress(0, EVENT_FORK, 1);
    reports.tick();
    expect(events[0]?.source).toMatchObject({ pid: 77, cgroup_id: null, cgroup: null, uid: null, comm: null });
  });

  test("keeps apart the storms of a cgroup, of its changing forkers and of its crowd", () => {
    const { memory, events, reports } = parts();
    for (const [place, kind] of [STORM_CGROUP, STORM_CGROUP | STORM_CHANGING, STORM_CGROUP | STORM_CROWD].entries()) {
      memory.begin(place, kind);
      memory.suppress(place, EVENT_FORK, place + 1);
    }
    for (const [place, kind] of [STORM_UID, STORM_UID | STORM_CROWD].entries()) {
      memory.begin(5 + place, kind);
      memory.suppress(5 + place, EVENT_FORK, 7);
    }
    reports.finish();
    const ends = events.filter(({ state }) => state === "end");
    expect(ends.map(({ source }) => source.kind)).toEqual(["cgroup", "cgroup", "cgroup", "uid", "uid"]);
    expect(ends.map(({ suppressed }) => suppressed?.fork)).toEqual([1, 2, 3, 7, 7]);
  });

  test("frees a place that two programs claimed at once at the second check", () => {
    const { memory, reports } = parts();
    memory.u32(5, STORM.claims, 2);
    reports.tick();
    expect(new Uint8Array(memory.bytes).some((byte) => byte !== 0)).toBe(true);
    reports.tick();
    expect(new Uint8Array(memory.bytes).every((byte) => byte === 0)).toBe(true);
  });
});
