import { quantileOfSorted } from "../stats/quantile.ts";
import type { GroundTruth } from "./ground-truth.ts";
import type { ReadyMessage, ResultMessage } from "./protocol.ts";
import type { EndReason } from "./spawn-loop.ts";
import type { WorkloadPlan } from "./spec.ts";
import { NOT_REAPED } from "./truth-columns.ts";

/** How a figure is spread over a run's spawns. */
export interface Spread {
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

/** What a workload came to. */
export interface WorkloadResult {
  /**
   * Why the workload ended. `duration` and `spawns`: at its limits; `stop`: on request; `abort`: by a signal; `errors`:
   * it could not spawn.
   */
  reason: EndReason;
  plan: WorkloadPlan;
  /** CLOCK_BOOTTIME, ns: from the first slot to the end of spawning; the last children end after it. */
  startedNs: bigint;
  endedNs: bigint;
  durationS: number;
  /** A second; 0: full speed. */
  rateAsked: number;
  /** Spawns over the time that it really spawned for. */
  rateAchieved: number;
  spawned: number;
  /** Of these, with a known end. */
  reaped: number;
  /** Of these, killed by the spawner because they had not ended in time. */
  killed: number;
  /** Of these, those that ended with an unexpected status although the spawner did not kill them. */
  unexpected: number;
  /**
   * Slots of the requested rate that were skipped. Together with `spawned` and `failed` they are all slots of the run.
   */
  skipped: number;
  /** Processes that could not be made, by error name such as `EAGAIN`. */
  failed: { name: string; count: number }[];
  /** From deadline to posix_spawn, µs; null at full speed and where nothing was spawned. */
  latenessUs: Spread | null;
  /** In posix_spawn (to the child's exec), µs; null if nothing was spawned. */
  spawnUs: Spread | null;
  /** CPU time of the spawner process, all its threads, ns. */
  spawnerCpuNs: number;
  spawnerUsPerProcess: number | null;
  /** User and system time of all children, µs, as wait4 gave it. */
  childrenCpuUs: number;
  /** Programs of the mix that are not installed, and Debian's package for each. */
  leftOut: ReadyMessage["leftOut"];
  truth: GroundTruth;
}

/** The figures of a run from its rows. */
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
