import { expect, test } from "bun:test";
import { CaptureCheck } from "../../src/overhead/capture.ts";
import type { RawRun } from "../../src/overhead/raw.ts";
import { timingsOf } from "../../src/overhead/timing-figures.ts";
import { emptyRun, quietRun, rawWindow } from "./raw-run.ts";

const OUTPUT = { events: 1000, bytes: 400_000, p5_bytes: 200, p50_bytes: 380, p95_bytes: 700 };

test("the time of a hook is the kernel's count for its program and the retry, over all windows, with their spread", () => {
  const windows = [100, 300].map((runs) =>
    rawWindow("workload", {
      programs: [
        { id: 1, name: "handle_fork", runs, run_ns: runs * (runs === 100 ? 1000 : 2000), own: false },
        { id: 2, name: "handle_exit", runs: 2 * runs, run_ns: 2 * runs * 500, own: false },
        { id: 4, name: "retry_exit", runs: 2 * runs, run_ns: 2 * runs * 50, own: false },
        { id: 3, name: "handle_exits", runs: 7, run_ns: 7e9, own: false },
      ],
    }),
  );
  const { hook_ns, hook_ns_ci95, not_measured } = timingsOf(emptyRun(), windows, 1);
  expect(hook_ns).toEqual({ fork: 1750, exec: null, exit: 550 });
  expect(hook_ns_ci95.fork?.[0]).toBeLessThan(1750);
  expect(hook_ns_ci95.exec).toBeNull();
  expect(not_measured.map(({ part }) => part)).toContain("hook_ns.exec");
});

test("bytes a second and a day are at the rate of events under the workload", () => {
  const workload = quietRun().windows.filter(({ phase }) => phase === "workload");
  // 200 processes run in 2 s, with three events each.
  expect(timingsOf({ ...quietRun(), output: OUTPUT }, workload, 1)).toMatchObject({
    bytes_per_event: 400,
    bytes_per_event_p5_p95: [200, 700],
    bytes_per_second: 120_000,
    bytes_per_day: 120_000 * 86_400,
  });
});

test("the time of a step is the median of its batches, with their spread", () => {
  const { not_measured, ...timings } = timingsOf(quietRun(), [], 1);
  expect(timings).toMatchObject({
    ring_write_ns: 120,
    ring_write_ns_p5_p95: [75, 165],
    read_ns: 500,
    read_ns_p5_p95: [500, 500],
    json_ns: 900,
    json_ns_p5_p95: [900, 900],
  });
  expect(not_measured.map(({ part }) => part)).not.toContain("json_ns");
});

test("a step without a batch is not measured", () => {
  const reading = { items: 819, bytes: null, batches: [] };
  const { read_ns, json_ns, not_measured } = timingsOf({ ...quietRun(), reading }, [], 1);
  expect([read_ns, json_ns]).toEqual([null, null]);
  expect(not_measured).toContainEqual({ part: "read_ns", why: "the test ended before the first batch" });
});

test("the time to the output has quantiles and the number of lines", () => {
  expect(timingsOf(quietRun(), [], 1)).toMatchObject({
    kernel_to_output_ms: { p50: 500, p99: 990 },
    kernel_to_output_ms_p5_p95: [50, 950],
    kernel_to_output_lines: 101,
    kernel_to_output_flush_ms: 1000,
  });
});

test("a part that was not measured is null, and has a reason", () => {
  const timings = timingsOf(emptyRun(), [], 1);
  expect(timings).toMatchObject({ bytes_per_event: null, bytes_per_second: null, ring_write_ns: null });
  for (const part of [
    "hook_ns.fork",
    "ring_write_ns",
    "read_ns",
    "json_ns",
    "kernel_to_output_ms",
    "bytes_per_event",
  ]) {
    expect(timings.not_measured.find((each) => each.part === part)?.why).toBeString();
  }
  expect(timings.kernel_to_output_ms).toEqual({ p50: null, p99: null });
  expect(timings.not_measured).toContainEqual({ part: "ring_write_ns", why: "made by hand" });
});

test("an output without events is not reported as unread", () => {
  const whyOf = (raw: RawRun) => timingsOf(raw, [], 1).not_measured.find(({ part }) => part === "bytes_per_event")?.why;
  expect(whyOf({ ...quietRun(), output: null })).toBe("the output of the subject has no line of a fork, exec or exit");
  expect(whyOf({ ...quietRun(), output: null, counts: null })).toBe("the output of the subject was not read");
});

test("the length of an event is that of its line in bytes, including the line end", () => {
  const check = new CaptureCheck("pid");
  const line = (comm: string): string => JSON.stringify({ type: "exit", pid: 1, ts_ns: 1, comm });
  for (let i = 0; i < 19; i++) check.add(line("a"));
  check.add(line("é"));
  check.add(JSON.stringify({ type: "summary" }));
  const short = line("a").length + 1;
  expect(check.output).toEqual({
    events: 20,
    bytes: 20 * short + 1,
    p5_bytes: short,
    p50_bytes: short,
    p95_bytes: short,
  });
  expect(new CaptureCheck("pid").output).toBeNull();
});
