import { expect, test } from "bun:test";
import { CaptureSums } from "../../src/overhead/capture-sums.ts";
import type { SpawnTruth } from "../../src/workload/ground-truth.ts";

const line = (comm: string, execs: number, ok: number | null, unknown = 0) => ({
  type: "totals",
  comm,
  started: 0,
  execs,
  exited: { ok, error: 0, signal: 0, unknown },
  from_ns: 1000,
  to_ns: 2000,
});

const spawn = (changes: Partial<SpawnTruth> = {}) =>
  ({ path: "/usr/bin/true", status: 0, exitCode: 0, signal: null, ...changes }) as SpawnTruth;

test("a process is captured if the sums of its name have a process left with the same exec and end", () => {
  const sums = new CaptureSums();
  sums.add(line("true", 2, 1));
  expect(sums.take(spawn())).toEqual({ exec: true, exit: true });
  expect(sums.take(spawn())).toEqual({ exec: true, exit: false });
  expect(sums.take(spawn())).toEqual({ exec: false, exit: false });
  expect(sums.take(spawn({ path: "/bin/sh" }))).toEqual({ exec: false, exit: false });
});

test("an end of another kind does not match a process, but an unknown end does", () => {
  const sums = new CaptureSums();
  sums.add(line("true", 3, 1));
  expect(sums.take(spawn({ status: 9, exitCode: null, signal: "SIGKILL" }))).toEqual({ exec: true, exit: false });
  sums.add(line("true", 0, null, 1));
  expect(sums.take(spawn({ status: 256, exitCode: 1 }))).toEqual({ exec: true, exit: true });
});

test("the events of a window are its share of the totals intervals", () => {
  const sums = new CaptureSums();
  sums.add(line("true", 60, 40));
  expect(sums.eventsBetween(1500, 1750)).toBe(25);
  expect(sums.eventsBetween(0, 5000)).toBe(100);
  expect(sums.eventsBetween(2000, 3000)).toBe(0);
});
