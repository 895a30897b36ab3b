import { boottimeNs } from "../../sys/clock.ts";
import type { WorkloadHandle } from "../../workload/run-workload.ts";
import { FileGrowth } from "./file-growth.ts";
import { OutputDelays } from "./output-delay.ts";

/** Interval at which the length of the output is read, ms: lines are seen up to this time too late. */
const LOOK_MS = 2;

export interface FollowedOutput {
  workload: Pick<WorkloadHandle, "start" | "stop">;
  collector: { readonly outputBytes: number; readonly child: { readonly ended: boolean } };
  /** Events count if they happen within this time from the start of the workload, ms. */
  forMs: number;
  /** How long the lines of the last events may take to reach the output, ms. */
  restMs: number;
  signal: AbortSignal;
}

/** Starts a workload, and follows the output of a collector. An abort or the end of the collector ends it early. */
export async function followOutput(followed: FollowedOutput): Promise<OutputDelays> {
  const { workload, collector, forMs, restMs, signal } = followed;
  await workload.start();
  const growth = new FileGrowth(() => collector.outputBytes, boottimeNs);
  const untilNs = growth.fromNs + forMs * 1e6;
  const hasEnded = (): boolean => collector.child.ended;
  await growth.follow({ untilNs, mostMs: forMs + restMs, everyMs: LOOK_MS, signal, hasEnded });
  if (hasEnded()) void workload.stop();
  return new OutputDelays(growth, untilNs);
}
