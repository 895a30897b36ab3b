import type { BpfProgramInfo } from "./bpf-programs.ts";

/** What one BPF program ran between two snapshots. */
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
  /** Programs that were loaded after the first snapshot; they count from their load. */
  appeared: number[];
  /** Programs that were unloaded before the second: what they ran in between is not known. */
  vanished: number[];
}

/**
 * What programs ran between two snapshots (`readPrograms` or `ProgramHandles.read`), by id. An id is never used twice
 * before the kernel's counter wraps at 2^31.
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
