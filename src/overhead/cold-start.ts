import { processCpuClockId, readClockNs } from "../sys/clock.ts";
import { runWorkload } from "../workload/run-workload.ts";
import type { WorkloadSpec } from "../workload/spec.ts";
import { CaptureCheck } from "./capture.ts";
import type { CollectorSubject, RunningCollector } from "./collector-subject.ts";
import type { RawCold, RawColdStart } from "./raw.ts";
import { sleep } from "./sleep.ts";

export interface ColdOptions {
  subject: CollectorSubject;
  /** From the exec of each collector until its clock is read, ms. */
  durationMs: number;
  /** The workload ends this long before the end of `durationMs`, ms, so that the collector reads its last events. */
  leadOutMs: number;
  workload: Omit<WorkloadSpec, "durationMs"> & { rate: number };
  signal: AbortSignal;
}

/**
 * Measures the cost of two fresh collectors from their exec on: one under the workload, then one without work.
 *
 * @returns null if `signal` was aborted, or if a collector ended early
 */
export async function measureCold(options: ColdOptions): Promise<RawCold | null> {
  const { workload, signal } = options;
  const loaded = await runCold(options, async (leftMs) => {
    await using running = runWorkload({ ...workload, durationMs: leftMs });
    await running.start();
    await sleep(leftMs, signal);
    return (await (signal.aborted ? running.stop() : running.done)).spawned;
  });
  const idle = loaded && (await runCold(options, async () => 0));
  return loaded && idle && { rate: workload.rate, loaded, idle };
}

/** @param work receives the remaining time, ms; returns the number of processes that it made */
async function runCold(
  { subject, durationMs, leadOutMs, signal }: ColdOptions,
  work: (leftMs: number) => Promise<number>,
): Promise<RawColdStart | null> {
  await using collector = await subject.start(signal);
  const { elapsedNs: startNs, cpuNs: startCpuNs } = collector.load;
  const beganNs = Bun.nanoseconds() - startNs;
  const spawned = await work(Math.max(durationMs - leadOutMs - startNs / 1e6, 0));
  await sleep(durationMs - (Bun.nanoseconds() - beganNs) / 1e6, signal);
  const clock = processCpuClockId(collector.child.pid);
  const cpuNs = clock === null ? null : readClockNs(clock);
  const elapsedNs = Bun.nanoseconds() - beganNs;
  if (signal.aborted || cpuNs === null || startCpuNs === null || collector.problem() !== null) return null;
  await collector.stop();
  return {
    elapsed_ns: elapsedNs,
    start_cpu_ns: startCpuNs,
    cpu_ns: Number(cpuNs),
    spawned,
    events: eventsOf(collector),
  };
}

function eventsOf(collector: RunningCollector): number {
  const check = new CaptureCheck();
  for (const line of collector.lines()) check.add(line);
  return check.eventsBetween(0, Number.POSITIVE_INFINITY);
}
