import { describe, expect, test } from "bun:test";
import { UserTimeAtExits } from "../../src/groups/user-at-exit.ts";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { recordIn } from "../../src/wire/record.ts";
import { type Exit, exitRecord } from "../wire/make-record.ts";

const LIFE = { start_ns: 1_000_000n, ts_ns: 9_000_000n };

/** Adds exits that ended `pendingNs` after the last update of their run time. */
function timesOf(byComm: boolean, ...exits: (Omit<Exit, "pid"> & { pendingNs: number })[]) {
  const view = new EventView(new ProcessTable({ lingerNs: 1e9 }), new WallClock(0n));
  const times = new UserTimeAtExits(byComm);
  exits.forEach(({ pendingNs, ...exit }, at) => {
    const record = recordIn(exitRecord({ pid: at + 1, accounted_ns: 5_000_000, ...LIFE, ...exit }));
    record.sampleTimeNs = pendingNs === 0 ? 0 : 5_000_000 + pendingNs;
    view.accept(record);
    times.add(view);
  });
  return [...times.take()];
}

describe("user time that the scheduler has not added at an exit", () => {
  test("is all of it without system ticks, none without user ticks, and else the ratio of the ticks", () => {
    const runtime_ns = 1_000_000;
    const ofTicks = (utime_ns: number, stime_ns: number) =>
      timesOf(false, { pendingNs: 500_000, runtime_ns, utime_ns, stime_ns }).map(({ ns }) => ns);
    expect(ofTicks(0, 0)).toEqual([500_000]);
    expect(ofTicks(4_000_000, 0)).toEqual([500_000]);
    expect(ofTicks(0, 4_000_000)).toEqual([]);
    expect(ofTicks(3_000_000, 1_000_000)).toEqual([375_000]);
  });

  test("is added up by cgroup, and by name if groups have names", () => {
    const exits = [
      { pendingNs: 1000, cgroup_id: 7n, comm: "a" },
      { pendingNs: 2000, cgroup_id: 8n, comm: "a" },
      { pendingNs: 4000, cgroup_id: 7n, comm: "b" },
    ];
    expect(timesOf(false, ...exits)).toEqual([
      { cgroupId: 7n, comm: "", ns: 5000 },
      { cgroupId: 8n, comm: "", ns: 2000 },
    ]);
    expect(timesOf(true, ...exits).map(({ cgroupId, comm, ns }) => `${cgroupId} ${comm} ${ns}`)).toEqual([
      "7 a 1000",
      "8 a 2000",
      "7 b 4000",
    ]);
  });

  test("is 0 if the record has no time of the scheduler or no CPU time", () => {
    expect(timesOf(false, { pendingNs: 0 }, { pendingNs: 1000, known: 0 })).toEqual([]);
  });

  test("is bounded in memory, and complete for the cgroups that are kept", () => {
    const exits = Array.from({ length: 2000 }, (_, at) => ({ pendingNs: 1000, cgroup_id: BigInt(at + 2) }));
    expect(timesOf(false, ...exits, ...exits)).toHaveLength(1024);
    expect(timesOf(false, ...exits, ...exits).every(({ ns }) => ns === 2000)).toBe(true);
  });
});
