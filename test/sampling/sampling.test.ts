import { describe, expect, test } from "bun:test";
import { textOf } from "../../src/json/text.ts";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import type { Sampler } from "../../src/sampling/sampler.ts";
import { Sampling } from "../../src/sampling/sampling.ts";
import { monotonicNs } from "../../src/sys/clock.ts";
import { noSamples } from "../../src/wire/counters.ts";
import { recordIn } from "../../src/wire/record.ts";
import { argumentBytes, execRecord, forkRecord, type Sample, sampleRecord } from "../wire/make-record.ts";

/** Scans with prescribed results. */
class MadeUpSampler implements Sampler {
  readonly source = "task-iterator";
  samples: Sample[] = [];

  sweep(each: Parameters<Sampler["sweep"]>[0]) {
    for (const sample of this.samples) each(recordIn(sampleRecord(sample)));
    return { processes: this.samples.length, leftOutThreads: 0, unkept: 0 };
  }

  [Symbol.dispose](): void {}
}

test("the rings are drained in the middle of a scan of many processes", () => {
  const sampler = new MadeUpSampler();
  const view = new EventView(new ProcessTable({ lingerNs: 1e9 }), new WallClock(0n));
  const order: string[] = [];
  const sinks = {
    view,
    drain: () => void order.push("drain"),
    wants: () => true,
    sample: () => order.push("sample") > 0,
  };
  using sampling = new Sampling(sampler, sinks);
  const samples = Array.from({ length: 4000 }, (_, i) => ({ pid: i + 1, ts_ns: 1n, start_ns: 1n, runtime_ns: 1n }));
  sampler.samples = samples;
  sampling.sweep();
  order.length = 0;
  sampling.sweep();
  expect(order.filter((what) => what === "sample")).toHaveLength(4000);
  const runs = order.join(" ").split("drain");
  for (const run of runs) expect(run.split("sample").length).toBeLessThan(1000);
});

describe("a process that executes a program", () => {
  const identity = { pid: 7, start_ns: 1n };

  /** Name and arguments in the last sample of a scan that saw the process at `sawAt`. Its exec is in a ring, at 20. */
  function lastSample(comm: string, sawAt: bigint) {
    const sampler = new MadeUpSampler();
    const table = new ProcessTable({ lingerNs: 1e9 });
    const view = new EventView(table, new WallClock(0n));
    let inRing: Uint8Array | null = null;
    const told: string[] = [];
    const sinks = {
      view,
      drain() {
        if (inRing) view.accept(recordIn(inRing));
        inRing = null;
      },
      wants: () => true,
      sample: ({ slot }: EventView) => told.push(`${textOf(view.comm)} ${table.args(slot)}`) > 0,
    };
    using sampling = new Sampling(sampler, sinks);
    table.fork(recordIn(forkRecord({ ...identity, ts_ns: 2n, comm: "sh" })));
    sampling.sweep();
    inRing = execRecord({ ...identity, ts_ns: 20n, comm: "sleep", args: argumentBytes("sleep") });
    sampler.samples = [
      // The first scan saw no such process, so the rings are drained.
      ...(sawAt < 20n ? [{ pid: 8, ts_ns: sawAt, start_ns: 2n, comm: "new" }] : []),
      { ...identity, ts_ns: sawAt, comm, runtime_ns: 1n },
    ];
    sampling.sweep();
    return told.at(-1);
  }

  test("has no sample with the new name before the exec", () => {
    expect(lastSample("sleep", 30n)).toBe("sleep sleep");
  });

  test("has no sample with the old name after the exec", () => {
    expect(lastSample("sh", 10n)).toBe("sleep sleep");
  });
});

test("the filter has no side effects; a sample that passes is noted once, delivered or not", () => {
  const sampler = new MadeUpSampler();
  const view = new EventView(new ProcessTable({ lingerNs: 1e9 }), new WallClock(0n));
  const asked: number[] = [];
  const noted: number[] = [];
  const given: number[] = [];
  const counts = noSamples();
  using sampling = new Sampling(
    sampler,
    {
      view,
      drain() {},
      wants: ({ pid }) => asked.push(pid) > 0 && pid !== 9,
      note: ({ pid }) => void noted.push(pid),
      reports: ({ pid }) => pid === 7,
      sample: ({ pid }) => given.push(pid) > 0,
    },
    counts,
  );
  sampler.samples = [7, 8, 9].map((pid) => ({ pid, ts_ns: 1n, start_ns: 1n, runtime_ns: 1n }));
  sampling.sweep();
  sampling.sweep();
  expect(asked).toEqual([7, 8, 9]);
  expect(noted).toEqual([7, 8]);
  expect(given).toEqual([7]);
  expect(counts.emitted).toBe(1);
  expect(sampling.looked).toBe(3);
});

describe("the CPU of a sample", () => {
  test("is relative to the time that the machine was awake", () => {
    const sampler = new MadeUpSampler();
    const view = new EventView(new ProcessTable({ lingerNs: 1e9 }), new WallClock(0n));
    const told: number[] = [];
    let [awakeNs, asleepNs] = [1e9, 0];
    using sampling = new Sampling(
      sampler,
      { view, drain() {}, wants: () => true, sample: ({ cpuPct }) => told.push(cpuPct) > 0 },
      noSamples(),
      { boottimeNs: () => awakeNs + asleepNs, monotonicNs: () => awakeNs },
    );
    sampling.sweep();
    sampler.samples = [{ pid: 7, ts_ns: 1n, start_ns: 1n, runtime_ns: 500_000_000n }];
    awakeNs += 1e9;
    sampling.sweep();
    awakeNs += 2e9;
    asleepNs += 3600e9;
    sampling.sweep();
    expect(told).toEqual([50, 25]);
  });

  test("is measured with a clock that advances", () => {
    const before = monotonicNs();
    Bun.sleepSync(2);
    expect(monotonicNs()).toBeGreaterThan(before);
  });
});
