import { expect, test } from "bun:test";
import { SamplingSwitch } from "../../src/collect/sampling-switch.ts";
import { SpareDescriptors } from "../../src/collect/spare-descriptors.ts";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import type { Sampler } from "../../src/sampling/sampler.ts";
import { recordIn } from "../../src/wire/record.ts";
import { sampleRecord } from "../wire/make-record.ts";

/** A switch over samplers that see one running process, with a log of the calls and emitted samples. */
function setUp() {
  const story: string[] = [];
  const sweep = { processes: 1, leftOutThreads: 0, unkept: 0 };
  const noRoom: number[] = [];
  const descriptors = new (class extends SpareDescriptors {
    left = 100;

    override use(count: number, action: () => void): boolean {
      return count <= this.left && super.use(count, action);
    }
  })();
  const open = (): Sampler => {
    story.push("load");
    return {
      source: "task-iterator",
      sweep(each) {
        story.push("sweep");
        each(recordIn(sampleRecord({ pid: 7, ts_ns: 1n, start_ns: 1n, runtime_ns: 1n })));
        return sweep;
      },
      [Symbol.dispose]: () => void story.push("unload"),
    };
  };
  const table = new ProcessTable({ lingerNs: 1e9 });
  const sampling = new SamplingSwitch({
    rssThresholdBytes: 0,
    view: new EventView(table, new WallClock(0n)),
    filter: { wants: () => true },
    descriptors,
    drain() {},
    sample: () => story.push("sample") > 0,
    noRoom: (processes) => void noRoom.push(processes),
    open,
  });
  return { sweep, noRoom, sampling, table, descriptors, take: () => story.splice(0).join(" ") };
}

test("each scan reports the processes without room; switched off, there are none", () => {
  const { sampling, sweep, noRoom } = setUp();
  sampling.on();
  sweep.unkept = 3;
  sampling.sweep();
  sweep.unkept = 0;
  sampling.sweep();
  sweep.unkept = 5;
  sampling.sweep();
  sampling.off();
  expect(noRoom).toEqual([0, 3, 0, 5, 0]);
});

test("switched off, it keeps no sampler", () => {
  const { sampling, take } = setUp();
  sampling.on();
  sampling.sweep();
  expect([sampling.source, take()]).toEqual(["task-iterator", "load sweep sweep sample"]);
  sampling.off();
  sampling.sweep();
  expect([sampling.source, take()]).toEqual([null, "unload"]);
  sampling.on();
  expect(take()).toBe("load sweep");
  sampling[Symbol.dispose]();
  expect(take()).toBe("unload");
});

test("if nothing can be loaded again, it keeps its sampler, and starts again with a first scan", () => {
  const { sampling, table, take } = setUp();
  sampling.on();
  sampling.sweep();
  sampling.keepLoaded();
  take();
  sampling.off();
  sampling.sweep();
  expect([sampling.source, take(), table.rssBytes(table.find(7))]).toEqual([null, "", undefined]);
  sampling.on();
  expect([sampling.source, take()]).toEqual(["task-iterator", "sweep"]);
  // CPU time while sampling was off belongs to no known interval.
  expect(table.cpuPct(table.find(7))).toBeUndefined();
  sampling.sweep();
  expect(take()).toBe("sweep sample");
  sampling.off();
  sampling[Symbol.dispose]();
  expect(take()).toBe("unload");
});

test("a scan without free descriptors is postponed, and so is loading", () => {
  const { sampling, descriptors, take } = setUp();
  descriptors.left = 5;
  sampling.on();
  expect([sampling.source, take()]).toEqual([null, ""]);
  descriptors.left = 100;
  sampling.sweep();
  expect([sampling.source, take()]).toEqual(["task-iterator", "load sweep"]);
  descriptors.left = 0;
  sampling.sweep();
  expect([sampling.source, take()]).toEqual(["task-iterator", ""]);
  descriptors.left = 1;
  sampling.sweep();
  expect(take()).toBe("sweep sample");
  sampling[Symbol.dispose]();
});

test("the count of checked samples goes on when the sampler is loaded again", () => {
  const { sampling } = setUp();
  expect(sampling.looked).toBe(0);
  sampling.on();
  // The first scan only sets the baseline.
  expect(sampling.looked).toBe(0);
  sampling.sweep();
  expect(sampling.looked).toBe(1);
  sampling.off();
  expect(sampling.looked).toBe(1);
  sampling.on();
  sampling.sweep();
  expect(sampling.looked).toBe(2);
});
