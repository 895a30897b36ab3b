import { describe, expect, test } from "bun:test";
import { type KnownPlace, placeAt, UNKNOWN_PLACE } from "../../src/cgroup/place.ts";
import { ByteWriter } from "../../src/json/byte-writer.ts";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { PlaceStore } from "../../src/process/place-store.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { JsonEncoder } from "../../src/sinks/jsonl.ts";
import { recordIn } from "../../src/wire/record.ts";
import { execRecord, exitRecord, forkRecord } from "../wire/make-record.ts";
import { eventOf } from "./event-of.ts";

const ID = "0123456789abcdef".repeat(4);

describe("the place in an event", () => {
  function told(place: KnownPlace | undefined): { json: unknown; event: unknown }[] {
    const view = new EventView(new ProcessTable({ lingerNs: 1e9 }), new WallClock(0n));
    view.identity = place && { ofEvent: () => place };
    const identity = { pid: 7, start_ns: 1n };
    return [forkRecord(identity), execRecord(identity), exitRecord(identity)].map((bytes) => {
      view.accept(recordIn(bytes));
      const out = new ByteWriter(16);
      new JsonEncoder().encode(view, out);
      const json = JSON.parse(Buffer.from(out.bytes.subarray(0, out.length)).toString().concat("}")) as object;
      const pick = ({ cgroup, container, unit }: { cgroup?: unknown; container?: unknown; unit?: unknown }) =>
        Object.fromEntries(Object.entries({ cgroup, container, unit }).filter(([, value]) => value !== undefined));
      return { json: pick(json), event: pick(eventOf(view) as object) };
    });
  }

  test.each([
    [`/system.slice/docker-${ID}.scope`, { container: { id: ID, runtime: "docker" }, unit: `docker-${ID}.scope` }],
    [`/docker/${ID}`, { container: { id: ID, runtime: "docker" } }],
    ["/system.slice/srv-a\\x2db.mount", { unit: "srv-a\\x2db.mount" }],
    ['/"\n\x1b[31m\ud800\\', {}],
    ["/", {}],
  ])("is the same in JSON and in the object: %j", (path, more) => {
    const cgroup = path.toWellFormed();
    for (const { json, event } of told(placeAt(cgroup))) {
      expect(json).toEqual({ cgroup, ...more });
      expect(event).toEqual({ cgroup, ...more });
    }
  });

  test("is complete for the longest path of the kernel", () => {
    const cgroup = `/${"deep/".repeat(800)}`;
    for (const each of told(placeAt(cgroup))) expect(each).toEqual({ json: { cgroup }, event: { cgroup } });
  });

  test("has no fields if it is unknown", () => {
    for (const place of [UNKNOWN_PLACE, undefined]) {
      for (const each of told(place)) expect(each).toEqual({ json: {}, event: {} });
    }
  });
});

describe("places of single processes", () => {
  test("are stored once each, while a process has them, and are inherited at a fork", () => {
    const places = new PlaceStore();
    const table = new ProcessTable({ lingerNs: 0 });
    table.places = places;
    const parent = table.fork(recordIn(forkRecord({ pid: 1, start_ns: 1n })));
    table.setPlace(parent, places.take("/docker/a", placeAt));
    const child = table.fork(recordIn(forkRecord({ pid: 2, ppid: 1, start_ns: 2n })));
    const other = table.fork(recordIn(forkRecord({ pid: 3, ppid: 9, start_ns: 3n })));
    expect([child, other].map((slot) => places.get(table.place(slot))?.cgroup)).toEqual(["/docker/a", undefined]);
    table.setPlace(other, places.take("/docker/a", placeAt));
    expect(table.place(other)).toBe(table.place(parent));
    table.setPlace(child, places.take("/docker/b", placeAt));
    expect(places.count).toBe(2);
    table.setPlace(child, places.take("/docker/b", placeAt));
    for (const pid of [1, 2, 3]) table.exit(recordIn(exitRecord({ pid, start_ns: BigInt(pid), ts_ns: 10 })));
    expect(places.count).toBe(2);
    table.expire(1e9);
    expect(places.count).toBe(0);
  });

  test("are bounded in number, and unknown above the bound", () => {
    const places = new PlaceStore();
    const taken = Array.from({ length: 20_000 }, (_, i) => places.take(`/${i}`, placeAt));
    expect(places.count).toBe(16_384);
    expect(taken.at(-1)).toBe(0);
    for (const place of taken) places.release(place);
    expect(places.count).toBe(0);
    expect(places.take("/again", placeAt)).not.toBe(0);
  });
});
