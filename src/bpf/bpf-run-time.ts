import type { BpfProgramInfo } from "./bpf-programs.ts";

/** Runs and run time of one BPF program between two snapshots. */
export interface ProgramRun {
  id: number;
  name: string;
  tag: string;
  runs: number;
  runNs: number;
  /** null if it did not run. */
  nsPerRun: number | null;
  recursionMisses: number | null;
}

export interface RunTimeDifference {
  programs: ProgramRun[];
  runs: number;
  runNs: number;
  /** Ids of programs that were loaded after the first snapshot. Their runs count from their load. */
  appeared: number[];
  /** Ids of programs that were unloaded before the second snapshot. Their runs between the snapshots are unknown. */
  vanished: number[];
}

/**
 * Runs and run time of programs between two snapshots (`readPrograms` or `ProgramHandles.read`). An id is never used
 * twice before the kernel's counter wraps at 2^31.
 */
export function runTimeDifference(
  before: ReadonlyMap<number, BpfProgramInfo>,
  after: ReadonlyMap<number, BpfProgramInfo>,
): RunTimeDifference {
  const programs = [...after.values()].map((now): ProgramRun => {
    const then = before.get(now.id);
    const runs = Number(now.runCnt - (then?.runCnt ?? 0n));
    const runNs = Number(now.runTimeNs - (then?.runTimeNs ?? 0n));
    return {
      id: now.id,
      name: now.name,
      tag: now.tag,
      runs,
      runNs,
      nsPerRun: runs > 0 ? runNs / runs : null,
      recursionMisses:
        now.recursionMisses === null ? null : Number(now.recursionMisses - (then?.recursionMisses ?? 0n)),
    };
  });
  return {
    programs,
    runs: programs.reduce((total, { runs }) => total + runs, 0),
    runNs: programs.reduce((total, { runNs }) => total + runNs, 0),
    appeared: [...after.keys()].filter((id) => !before.has(id)),
    vanished: [...before.keys()].filter((id) => !after.has(id)),
  };
}
