import { describe, expect, test } from "bun:test";
import { GroundTruth, nonceText } from "../../src/workload/ground-truth.ts";
import type { Command } from "../../src/workload/programs.ts";

const ORIGIN = 12_345_678_901_234_567n;
const COMMANDS: Command[] = [
  { program: "true", path: "/usr/bin/true", lifetimeMs: 1, share: 1 },
  { program: "exit", path: "/usr/bin/sh", lifetimeMs: null, share: 1 },
];

/** Rows of pid, command, variant, status, spawn time. */
function truthOf(rows: [number, number, number, number, number][]): GroundTruth {
  const head = { folder: "/tmp/f", spawnerPid: 77, originNs: ORIGIN, run: 54_321, commands: COMMANDS };
  const truth = new GroundTruth(head);
  for (const [pid, command, variant, status, at] of rows) {
    const row = truth.columns.add();
    const arrays = truth.columns.arrays;
    arrays.pid[row] = pid;
    arrays.command[row] = command;
    arrays.variant[row] = variant;
    arrays.status[row] = status;
    arrays.dueNs[row] = at - 500;
    arrays.spawnedFromNs[row] = at;
    arrays.spawnedByNs[row] = at + 1000;
    arrays.exitedFromNs[row] = at + 2000;
    arrays.exitedByNs[row] = at + 3000;
  }
  return truth;
}

describe("GroundTruth", () => {
  test("records a spawn with exact times, its arguments and its end", () => {
    const truth = truthOf([
      [100, 0, 3, 0, 5000],
      [101, 1, 42, 42 << 8, 9000],
    ]);
    expect(truth.at(0)).toMatchObject({
      pid: 100,
      ppid: 77,
      args: ["true", "543210000000"],
      nonce: "543210000000",
      lifetimeMs: 1,
      lateNs: 500,
      spawnedFromNs: ORIGIN + 5000n,
      exitedByNs: ORIGIN + 8000n,
      exitCode: 0,
      signal: null,
    });
    expect(truth.at(1)).toMatchObject({ exitCode: 42, expectedStatus: 42 << 8, args: expect.arrayContaining(["42"]) });
    expect([...truth].map((spawn) => spawn.pid)).toEqual([100, 101]);
    expect(() => truth.at(2)).toThrow(RangeError);
  });

  test("a process that was never reaped has no end, and a killed process has a signal", () => {
    const truth = truthOf([
      [1, 0, 0, -1, 0],
      [2, 0, 0, 9, 0],
      [3, 0, 0, 0x80 | 11, 0],
    ]);
    expect(truth.at(0)).toMatchObject({ status: null, exitCode: null, signal: null, exitedByNs: null });
    expect(truth.at(1)).toMatchObject({ status: 9, exitCode: null, signal: "SIGKILL" });
    expect(truth.at(2)).toMatchObject({ exitCode: null, signal: "SIGSEGV" });
    expect(truth.unexpected()).toEqual([1, 2]);
  });

  test("spawns with the same pid are distinguished by their start times", () => {
    const truth = truthOf([
      [100, 0, 0, 0, 10_000],
      [100, 0, 0, 0, 90_000],
    ]);
    expect(truth.withPid(100)).toEqual([0, 1]);
    expect(truth.find(100, ORIGIN + 10_500n)).toBe(0);
    expect(truth.find(100, ORIGIN + 91_000n)).toBe(1);
    expect(truth.find(100, ORIGIN + 50_000n)).toBe(-1);
    expect(truth.find(100, ORIGIN + 11_500n, 600)).toBe(0);
    expect(truth.find(999, ORIGIN)).toBe(-1);
  });

  test("nonces have twelve digits and are all different", () => {
    const nonces = [0, 1, 999_999].flatMap((index) => [nonceText(10_000, index), nonceText(99_999, index)]);
    expect(new Set(nonces).size).toBe(6);
    for (const nonce of nonces) expect(nonce).toMatch(/^[1-9]\d{11}$/);
  });
});
