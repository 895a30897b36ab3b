import { describe, expect, test } from "bun:test";
import { FileGrowth } from "../../../src/overhead/steps/file-growth.ts";
import { OutputDelays } from "../../../src/overhead/steps/output-delay.ts";

const MS = 1e6;
const START_MS = 10_000;
const hasEnded = (): boolean => false;

/** A file with these lengths at these times since the first reading, ms. */
function growthOf(...steps: readonly [ms: number, bytes: number][]): FileGrowth {
  let [ms, bytes] = steps[0] as [number, number];
  const growth = new FileGrowth(
    () => bytes,
    () => (START_MS + ms) * MS,
  );
  for ([ms, bytes] of steps.slice(1)) growth.look();
  return growth;
}

function line(type: string, ms: number): string {
  return JSON.stringify({ type, time: "…", ts_ns: (START_MS + ms) * MS, comm: "é" });
}

const bytesOf = (...lines: string[]): number => lines.reduce((sum, each) => sum + Buffer.byteLength(each) + 1, 0);

test("the delay of a line ends at the first reading with the whole line", () => {
  const before = line("exit", -50);
  const [fork, exec, exit] = [line("fork", 100), line("exec", 150), line("exit", 400)];
  const growth = growthOf(
    [0, bytesOf(before)],
    [200, bytesOf(before, fork) + 10],
    [300, bytesOf(before, fork) + 10],
    [1000, bytesOf(before, fork, exec, exit)],
  );
  const delays = new OutputDelays(growth, (START_MS + 500) * MS);
  for (const each of [before, fork, exec, exit]) delays.add(each);
  expect(delays.result(1000)).toEqual({
    lines: 3,
    unseen: 0,
    flush_ms: 1000,
    delays_us: [100_000, 600_000, 850_000],
  });
});

test("other lines, and events from before or after, do not count", () => {
  const lines = [
    line("sample", 100),
    line("fork", -10),
    line("fork", 700),
    "{",
    JSON.stringify({ type: "totals", from_ns: 1 }),
    line("process", 300),
  ];
  const delays = new OutputDelays(growthOf([0, 0], [900, bytesOf(...lines)]), (START_MS + 500) * MS);
  for (const each of lines) delays.add(each);
  expect(delays.result(0)?.delays_us).toEqual([600_000]);
  expect(new OutputDelays(growthOf([0, 0]), START_MS * MS).result(0)).toBeNull();
});

test("the delay of a line after the last reading is at least the time up to that reading", () => {
  const late = line("exec", 100);
  const delays = new OutputDelays(growthOf([0, 0], [900, 0]), (START_MS + 500) * MS);
  delays.add(late);
  expect(delays.result(1000)).toMatchObject({ lines: 1, unseen: 1, delays_us: [800_000] });
});

describe("how long the collector gathers events", () => {
  const degraded = (ms: number, level: number): string =>
    JSON.stringify({ type: "degraded", time: "…", ts_ns: (START_MS + ms) * MS, step: "…", level });
  const flushOf = (...notices: string[]): number | null | undefined => {
    const lines = [...notices, line("fork", 100)];
    const delays = new OutputDelays(growthOf([0, 0], [900, bytesOf(...lines)]), (START_MS + 500) * MS);
    for (const each of lines) delays.add(each);
    return delays.result(1000)?.flush_ms;
  };

  test("is not known if the collector exceeded its CPU budget before or during the following", () => {
    expect(flushOf(degraded(-70, 1))).toBeNull();
    expect(flushOf(degraded(-70, 1), degraded(-50, 2), degraded(200, 1))).toBeNull();
    expect(flushOf(degraded(200, 1))).toBeNull();
    expect(flushOf(degraded(-50, 1), degraded(200, 0))).toBeNull();
  });

  test("is as configured if the collector is within the budget again, or exceeded it later", () => {
    expect(flushOf(degraded(-70, 1), degraded(-50, 0))).toBe(1000);
    expect(flushOf(degraded(700, 1))).toBe(1000);
  });
});

test("many lines are stored as quantiles, including both ends", () => {
  const lines = Array.from({ length: 6001 }, (_, i) => line("fork", i / 10));
  const delays = new OutputDelays(growthOf([0, 0], [1000, bytesOf(...lines)]), (START_MS + 600) * MS);
  for (const each of lines) delays.add(each);
  const result = delays.result(1000);
  expect(result?.lines).toBe(6001);
  expect(result?.delays_us).toHaveLength(2001);
  expect(result?.delays_us.at(0)).toBe(400_000);
  expect(result?.delays_us.at(1000)).toBe(700_000);
  expect(result?.delays_us.at(-1)).toBe(1_000_000);
});

test("a file is followed until its growth after the last event has stopped", async () => {
  // Each reading takes 50 ms of this clock.
  let nowMs = 0;
  let bytes = 0;
  const growth = new FileGrowth(
    () => {
      nowMs += 50;
      if (nowMs === 300 || nowMs === 700) bytes += 10;
      return bytes;
    },
    () => nowMs * MS,
  );
  const { signal } = new AbortController();
  await growth.follow({ untilNs: 500 * MS, mostMs: 60_000, everyMs: 1, signal, hasEnded });
  expect(growth.reachedNs(10)).toBe(300 * MS);
  expect(growth.reachedNs(20)).toBe(700 * MS);
  expect(growth.reachedNs(21)).toBeNull();
  expect(growth.lastLookNs).toBe(850 * MS);
});

test("a file is not followed beyond the given time, nor after an abort", async () => {
  const growth = growthOf([0, 0]);
  const abort = new AbortController();
  await growth.follow({ untilNs: 0, mostMs: 3, everyMs: 1, signal: abort.signal, hasEnded });
  abort.abort();
  await growth.follow({ untilNs: 0, mostMs: 60_000, everyMs: 1, signal: abort.signal, hasEnded });
});
