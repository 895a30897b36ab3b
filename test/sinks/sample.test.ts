import { describe, expect, test } from "bun:test";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { JsonlSink } from "../../src/sinks/jsonl.ts";
import type { Output } from "../../src/sinks/output.ts";
import { PrettySink } from "../../src/sinks/pretty.ts";
import type { Sink } from "../../src/sinks/sink.ts";
import { NO_CPU } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import { lineOf } from "../process/event-of.ts";
import { type Sample, sampleRecord } from "../wire/make-record.ts";
import { expectedLine } from "./expected-line.ts";
import { outputText } from "./output-text.ts";

const SAMPLE: Sample = {
  pid: 7,
  ppid: 1,
  ns_pid: 7,
  uid: 1000,
  gid: 100,
  cpu: 3,
  ts_ns: 2n ** 60n + 1n,
  start_ns: 5n,
  cgroup_id: 2n ** 63n + 1n,
  comm: "x",
  rss_bytes: 3 * 2 ** 20,
  threads: 2,
};

function written(sinkOf: (output: Output) => Sink, samples: readonly [Sample, number][]): string {
  const view = new EventView(new ProcessTable({ lingerNs: 1e9 }), new WallClock(0n));
  return outputText((output) => {
    const sink = sinkOf(output);
    for (const [sample, cpuPct] of samples) {
      view.accept(recordIn(sampleRecord(sample)));
      view.cpuPct = cpuPct;
      sink.write(view);
    }
    sink.flush();
  });
}

describe("a sample", () => {
  test("is written as a line of JSON, with exact numbers above 2^53", () => {
    const text = written((output) => new JsonlSink(output), [[SAMPLE, 12.3456]]);
    expect(text).toContain(`"ts_ns":${2n ** 60n + 1n},"cpu":3,"pid":7,"ppid":1,`);
    expect(text).toContain('"uid":1000,"gid":100,');
    expect(text).toContain(
      `"start_ns":5,"cgroup_id":${2n ** 63n + 1n},"ns_pid":7,"cpu_pct":12.346,"rss_bytes":3145728`,
    );
    expect(JSON.parse(text)).toMatchObject({ type: "sample", cpu_pct: 12.346, rss_bytes: 3145728, threads: 2 });
  });

  test.each([
    [0, 0],
    [0.0004, 0],
    [0.0005, 0.001],
    [0.05, 0.05],
    [99.9996, 100],
    [6400.1, 6400.1],
  ])("has a CPU time of %p %% written as %p", (cpuPct, expected) => {
    expect(JSON.parse(written((output) => new JsonlSink(output), [[SAMPLE, cpuPct]])).cpu_pct).toBe(expected);
  });

  test("has cpu null if the source does not know the CPU", () => {
    const line = JSON.parse(written((output) => new JsonlSink(output), [[{ ...SAMPLE, cpu: NO_CPU }, 1]]));
    expect(line.cpu).toBeNull();
  });

  test.each([3, NO_CPU])("has the fields of the table of fields, with CPU %i", (cpu) => {
    const view = new EventView(new ProcessTable({ lingerNs: 1e9 }), new WallClock(0n));
    view.accept(recordIn(sampleRecord({ ...SAMPLE, cpu, ts_ns: 9n, cgroup_id: 4n, rss_bytes: 2n ** 40n + 1n })));
    view.cpuPct = 1.2346;
    expect(lineOf(view)).toBe(expectedLine(view));
  });

  test("is not indented by the depth of its process, so that its figures fit into 80 columns", () => {
    const chain = Array.from({ length: 12 }, (_, i): [Sample, number] => [
      { ...SAMPLE, pid: 4_000_001 + i, ppid: i === 0 ? 1 : 4_000_000 + i, comm: "nginx", threads: 1 },
      100,
    ]);
    const lines = written((output) => new PrettySink(output, { color: false, width: () => 80 }), chain).split("\n");
    expect(lines.at(-2)).toEndWith("nginx  100.0 %  3.0 MiB");
  });

  test("adds an unknown process to the table", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    const view = new EventView(table, new WallClock(0n));
    view.accept(recordIn(sampleRecord(SAMPLE)));
    expect([table.live, table.find(7), table.comm(table.find(7))]).toEqual([1, view.slot, "x"]);
  });

  test("is written in columns by the pretty format", () => {
    const text = written(
      (output) => new PrettySink(output, { color: false, width: () => 0 }),
      [
        [{ ...SAMPLE, ts_ns: 1_000_000_000n }, 12.3456],
        [{ ...SAMPLE, ts_ns: 1_000_000_000n, pid: 123456, threads: 1, comm: "a\u001bb" }, 0],
      ],
    );
    expect(text.split("\n").slice(1)).toEqual([
      "00:00:01.000000 sample      7        1   1000 x  cpu 12.3 %  rss 3.0 MiB  2 threads",
      "00:00:01.000000 sample 123456        1   1000 a\\eb  cpu 0.0 %  rss 3.0 MiB",
      "",
    ]);
  });

  test.each([
    [160, 46, "kworker/u16:3-e  cpu 12.3 %  rss 3.0 MiB  2 threads"],
    [80, 46, "kworker/u16:3-e  12.3 %  3.0 MiB"],
    [70, 39, "kworker/u16:3…  12.3 %  3.0 MiB"],
    [40, 14, "kworker/…  12.3 %  3.0 MiB"],
    [1, 14, "kwo…  12.3 %  3…"],
  ])("is fitted to a terminal of %i columns", (width, from, expected) => {
    const text = written(
      (output) => new PrettySink(output, { color: false, width: () => width }),
      [[{ ...SAMPLE, ts_ns: 1_000_000_000n, comm: "kworker/u16:3-e" }, 12.3456]],
    );
    expect(text.split("\n")[1]?.slice(from)).toBe(expected);
  });
});
