import { quantileOfSorted } from "../stats/quantile.ts";
import type { GroundTruth } from "./ground-truth.ts";
import type { ReadyMessage, ResultMessage } from "./protocol.ts";
import type { EndReason } from "./spawn-loop.ts";
import type { WorkloadPlan } from "./spec.ts";
import { NOT_REAPED } from "./truth-columns.ts";

/** Distribution of a figure over a run's spawns, in the unit of the figure. */
export interface Spread {
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

/** The result of a workload. */
export interface WorkloadResult {
  /**
   * Why the workload ended. `duration`, `spawns`: at its limits. `stop`: on request. `abort`: by a signal, or because
   * its input ended. `errors`: it could not spawn.
   */
  reason: EndReason;
  plan: WorkloadPlan;
  /** CLOCK_BOOTTIME, ns: the first slot, and the end of spawning. The last children end later. */
  startedNs: bigint;
  endedNs: bigint;
  durationS: number;
  /** Requested spawns a second; 0: full speed. */
  rateAsked: number;
  /** Spawns a second, over `durationS`. */
  rateAchieved: number;
  spawned: number;
  /** Of these, those with a known end. */
  reaped: number;
  /** Of these, those that the spawner killed, because they did not end in time or the run was aborted. */
  killed: number;
  /** Of these, those that ended with an unexpected status although the spawner did not kill them. */
  unexpected: number;
  /**
   * Slots of the requested rate that were skipped. `skipped`, `spawned` and `failed` together are all slots of the run.
   */
  skipped: number;
  /** Failed spawns, by the name of the error, such as `EAGAIN`. */
  failed: { name: string; count: number }[];
  /** From deadline to posix_spawn, µs; null at full speed and if nothing was spawned. */
  latenessUs: Spread | null;
  /** Time in posix_spawn, which lasts until the child's exec, µs; null if nothing was spawned. */
  spawnUs: Spread | null;
  /** CPU time of the spawner process, all its threads, ns. */
  spawnerCpuNs: number;
  spawnerUsPerProcess: number | null;
  /** User and system time of all reaped children, µs, from wait4(2). */
  childrenCpuUs: number;
  /** Programs of the mix that are not installed, and Debian's package for each. */
  leftOut: ReadyMessage["leftOut"];
  truth: GroundTruth;
}

/** Computes the figures of a run from its rows. */
export function workloadResult(
  plan: WorkloadPlan,
  ready: ReadyMessage,
  truth: GroundTruth,
  end: ResultMessage,
): WorkloadResult {
  const { columns } = truth;
  const spawned = truth.length;
  const late = new Float64Array(spawned);
  const spawn = new Float64Array(spawned);
  let reaped = 0;
  let killed = 0;
  let childrenCpuUs = 0;
  for (let i = 0; i < spawned; i++) {
    late[i] = (columns.get("spawnedFromNs", i) - columns.get("dueNs", i)) / 1000;
    spawn[i] = (columns.get("spawnedByNs", i) - columns.get("spawnedFromNs", i)) / 1000;
    if (columns.get("status", i) !== NOT_REAPED) reaped++;
    killed += columns.get("killed", i);
    childrenCpuUs += columns.get("userUs", i) + columns.get("systemUs", i);
  }
  const durationS = (end.endedNs - end.startedNs) / 1e9;
  return {
    reason: end.reason,
    plan,
    startedNs: truth.head.originNs + BigInt(end.startedNs),
    endedNs: truth.head.originNs + BigInt(end.endedNs),
    durationS,
    rateAsked: plan.rate,
    rateAchieved: durationS > 0 ? spawned / durationS : 0,
    spawned,
    reaped,
    killed,
    unexpected: truth.unexpected().length,
    skipped: end.skipped,
    failed: end.errors,
    latenessUs: plan.rate === 0 ? null : spread(late),
    spawnUs: spread(spawn),
    spawnerCpuNs: end.spawnerCpuNs,
    spawnerUsPerProcess: spawned === 0 ? null : end.spawnerCpuNs / 1000 / spawned,
    childrenCpuUs,
    leftOut: ready.leftOut,
    truth,
  };
}

function spread(values: Float64Array): Spread | null {
  if (values.length === 0) return null;
  values.sort();
  const at = (p: number): number => quantileOfSorted(values, p);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}
