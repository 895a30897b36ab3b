import type { WorkloadResult } from "../workload/workload-result.ts";
import type { CaptureCheck } from "./capture.ts";
import type { RawCounts, RawWorkload } from "./raw.ts";

/** The result of a workload in the form of the report. */
export function rawWorkload(phase: RawWorkload["phase"], result: WorkloadResult): RawWorkload {
  return {
    phase,
    rate_asked: result.rateAsked,
    rate_achieved: result.rateAchieved,
    duration_s: result.durationS,
    spawned: result.spawned,
    skipped: result.skipped,
    failed: result.failed.reduce((total, { count }) => total + count, 0),
    children_cpu_us: result.childrenCpuUs,
    spawner_cpu_ns: result.spawnerCpuNs,
    left_out: result.leftOut.map(({ program }) => program),
  };
}

/** Number of processes that the workload made from `fromNs` to `toNs`, CLOCK_BOOTTIME. */
export function spawnedBetween({ truth }: WorkloadResult, fromNs: number, toNs: number): number {
  const from = fromNs - Number(truth.head.originNs);
  const to = toNs - Number(truth.head.originNs);
  let count = 0;
  for (let i = 0; i < truth.length; i++) {
    const at = truth.columns.get("spawnedFromNs", i);
    if (at >= from && at < to) count++;
  }
  return count;
}

/** The collector's own counts, from its summary; null if it did not write a summary. */
export function countsOf({ summary }: CaptureCheck): RawCounts | null {
  if (summary === null) return null;
  const counts = summary as unknown as RawCounts;
  const { duration_s, backend, missing_fields, emitted, received, suppressed, folded, lost } = counts;
  return { duration_s, backend, missing_fields, emitted, received, suppressed, folded, lost };
}
