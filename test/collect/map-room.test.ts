import { expect, test } from "bun:test";
import { Conditions } from "../../src/collect/conditions.ts";
import { MapRoom } from "../../src/collect/map-room.ts";

test("a map without room causes a condition that names the unknown fields, and stays active", () => {
  const noRoom = { trackedPids: 0, missedExecs: 0, threadGroups: 0, images: 0 };
  const conditions = new Conditions();
  const room = new MapRoom({ noRoom: () => noRoom }, conditions);
  room.check();
  expect([conditions.active.size, room.sendsAll]).toEqual([0, false]);
  noRoom.threadGroups = 3;
  room.check();
  expect(conditions.active.get("map_full")).toContain("name or duration");
  expect(room.sendsAll).toBe(false);
  noRoom.trackedPids = 1;
  room.check();
  expect(conditions.active.get("map_full")).toMatch(/--pid.*name or duration/);
  expect(room.sendsAll).toBe(true);
});
