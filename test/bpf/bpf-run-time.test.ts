import { expect, test } from "bun:test";
import type { BpfProgramInfo } from "../../src/bpf/bpf-programs.ts";
import { runTimeDifference } from "../../src/bpf/bpf-run-time.ts";

function program(id: number, runTimeNs: bigint, runCnt: bigint, recursionMisses: bigint | null = 0n): BpfProgramInfo {
  const rest = { type: 5, tag: "00", mapIds: [], jitedBytes: 0, verifiedInstructions: 1 };
  return { id, name: `p${id}`, runTimeNs, runCnt, recursionMisses, ...rest };
}

function snapshot(...programs: BpfProgramInfo[]): Map<number, BpfProgramInfo> {
  return new Map(programs.map((each) => [each.id, each]));
}

test("runTimeDifference separates programs in both snapshots from programs that appeared and that vanished", () => {
  const before = snapshot(program(1, 1000n, 10n), program(2, 5n, 1n), program(3, 7n, 7n));
  const after = snapshot(program(1, 4000n, 20n), program(3, 7n, 7n), program(4, 600n, 3n));
  const { programs, runs, runNs, appeared, vanished } = runTimeDifference(before, after);
  expect(programs.map(({ id, runs, runNs, nsPerRun }) => [id, runs, runNs, nsPerRun])).toEqual([
    [1, 10, 3000, 300],
    [3, 0, 0, null],
    [4, 3, 600, 200],
  ]);
  expect([runs, runNs]).toEqual([13, 3600]);
  expect(appeared).toEqual([4]);
  expect(vanished).toEqual([2]);
});

test("runTimeDifference is exact above 2^53, and returns null for unknown recursion misses", () => {
  const huge = 2n ** 60n;
  const { programs } = runTimeDifference(
    snapshot(program(1, huge, huge, null)),
    snapshot(program(1, huge + 3n, huge + 1n, null)),
  );
  expect(programs[0]).toMatchObject({ runNs: 3, runs: 1, recursionMisses: null });
});
