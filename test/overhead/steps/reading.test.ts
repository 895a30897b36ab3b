import { expect, test } from "bun:test";
import { MadeReader, timeReading } from "../../../src/overhead/steps/reading.ts";

interface Line {
  type: string;
  pid: number;
  ts_ns: number;
  start_ns: number;
  exe?: string;
  args?: string[];
  args_truncated?: boolean;
  exit_code?: number;
  duration_ns?: number;
  cpu_user_ns?: number;
  unit?: string;
}

function linesOf(rate: number, runs: number): Line[] {
  let text = "";
  const reader = new MadeReader(rate, (lines) => {
    text += new TextDecoder().decode(lines);
  });
  for (let i = 0; i < runs; i++) reader.run(true);
  expect(reader.received).toBe(runs * reader.records);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

test("the made ring has forks, execs and exits in thirds, as whole events of new processes", () => {
  const lines = linesOf(100, 2);
  const lives = Map.groupBy(lines, ({ pid }) => pid);
  expect(lives.size).toBe(lines.length / 3);
  for (const life of lives.values()) expect(life.map(({ type }) => type)).toEqual(["fork", "exec", "exit"]);
  const [fork, exec, exit] = lines as [Line, Line, Line];
  expect(exec).toMatchObject({
    exe: "/usr/bin/ls",
    args: ["ls", "-l", "/usr/bin"],
    args_truncated: false,
    unit: "ssh.service",
  });
  expect(exit).toMatchObject({
    exe: "/usr/bin/ls",
    exit_code: 0,
    duration_ns: 2_000_000,
    cpu_user_ns: expect.any(Number),
  });
  expect(fork.ts_ns).toBe(fork.start_ns);
});

test("the events are in the order of their times, at any rate", () => {
  for (const rate of [0.2, 100, 20_000]) {
    const times = linesOf(rate, 2).map(({ ts_ns }) => ts_ns);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  }
});

test("reading alone reads as many records and writes nothing", () => {
  let written = 0;
  const reader = new MadeReader(100, ({ length }) => {
    written += length;
  });
  for (let i = 0; i < 3; i++) reader.run(false);
  expect(reader.received).toBe(3 * reader.records);
  expect(written).toBe(0);
});

test("the time of a run is its own work, without waiting", () => {
  const pauseMs = 500;
  let pauses = 0;
  const reader = new MadeReader(100, () => {
    pauses++;
    Bun.sleepSync(pauseMs);
  });
  const ns = reader.run(true);
  expect(pauses).toBeGreaterThan(0);
  expect(ns).toBeLessThan(pauses * pauseMs * 1e6);
});

test("each batch has a time with and without encoding", async () => {
  const { items, batches } = await timeReading({
    rate: 100,
    warmUpMs: 0,
    batches: 2,
    signal: new AbortController().signal,
  });
  expect(items).toBeGreaterThan(300);
  expect(items % 3).toBe(0);
  expect(batches).toHaveLength(2);
  for (const { with_ns, without_ns } of batches) {
    expect(with_ns).toBeGreaterThan(0);
    expect(without_ns).toBeGreaterThan(0);
  }
});
