import { boottimeNs } from "../../sys/clock.ts";
import type { WorkloadHandle } from "../../workload/run-workload.ts";
import { FileGrowth } from "./file-growth.ts";
import { OutputDelays } from "./output-delay.ts";

/** A length of the output is seen at most this late, ms. */
const LOOK_MS = 2;

export interface FollowedOutput {
  workload: Pick<WorkloadHandle, "start" | "stop">;
  collector: { readonly outputBytes: number; readonly child: { readonly ended: boolean } };
  /** How long events count, ms. */
  forMs: number;
  /** How long their lines may take, ms. */
  restMs: number;
  signal: AbortSignal;
}

/** Starts a workload, and follows what a collector writes about it. An abort or the collector's end ends it early. */
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
