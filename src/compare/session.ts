import { type LifetimeCapture, matchSightings } from "../observers/match.ts";
import { newTally, type Tally } from "../observers/observer.ts";
import { runWorkload } from "../workload/run-workload.ts";
import type { WorkloadResult } from "../workload/workload-result.ts";
import type { Arm } from "./arms.ts";
import { type Looks, looksBetween, loopCpuNs } from "./looks.ts";
import { MethodMeter, type MethodUse } from "./method-meter.ts";
import type { CompareOptions } from "./options.ts";
import { forkedByOthers, othersReported } from "./others.ts";
import type { SessionSetting } from "./session-setting.ts";
import { WARMUP_SPAWNS } from "./spawn-timer.ts";
import { sleepUnless, unless } from "./stop.ts";
import { type WarmedUp, WarmUp } from "./warm-up.ts";

/** One turn of a method: the resources that it used, and the processes that it saw. */
export interface Session {
  arm: string;
  round: number;
  /** Resources used between two readings of the clocks, while the workload ran. */
  use: MethodUse;
  /** Processes that the workload made between the readings. */
  processes: number;
  /** Processes of other programs that an event method reported in this time: an estimate, see `othersReported`. */
  others: number;
  /** The highest of a few readings. */
  memoryBytes: number;
  /** Processes of the whole workload, and (`seen`) those that the method saw. */
  total: number;
  seen: number;
  byLifetime: LifetimeCapture[];
  tally: Tally;
  /** Null for event methods, and if there were too few looks. */
  looks: Looks | null;
  intervalMs: number | null;
  rateAchieved: number;
  spawned: number;
  /** Tasks that other programs started, threads included; null if not known. Methods may watch these tasks as well. */
  othersPerSecond: number | null;
  /** Time of a timed spawn while the method watched, µs; null if none was timed. */
  spawnUs: number | null;
  /** Null for polling methods. */
  warmUp: WarmedUp | null;
  /** Real lifetimes of the processes. */
  lives: Life[];
}

/** The requested and the real lifetime of a process, ms. The former is null for the ordinary mix. */
export interface Life {
  lifetimeMs: number | null;
  livedMs: number;
}

/** Readings of memory in a window. */
const MEMORY_LOOKS = 3;

/**
 * Starts a method, runs the workload while it watches, and stops it.
 *
 * @throws LinnixError if the method does not start; MethodEnded if it ends by itself; the reason of an aborted signal
 */
export async function runSession(arm: Arm, round: number, setting: SessionSetting): Promise<Session> {
  const { options, plan, timer, tempDir, signal } = setting;
  signal.throwIfAborted();
  const isPolling = arm.observer.kind === "polling";
  const leadMs = isPolling ? plan.leadMs : plan.eventLeadMs;
  const windowMs = isPolling ? plan.windowMs : plan.eventWindowMs;
  await using workload = runWorkload({
    mix: plan.mix,
    rate: options.rate,
    durationMs: leadMs + windowMs,
    maxOutstanding: outstandingOf(options),
    seed: options.seed + round,
    // Some methods look every 10 ms, and 100 spawns a second have the same period.
    jitter: true,
  });
  const { spawnerPid } = await unless(signal, workload.ready);
  await using warmUp = isPolling ? null : await WarmUp.prepare(setting);
  await using running = await arm.observer.start({
    workloadPid: spawnerPid,
    alsoPids: [timer.pid, ...(warmUp === null ? [] : [warmUp.pid])],
    tempDir,
    intervalMs: arm.intervalMs ?? options.intervalMs,
    forceAudit: options.forceAudit,
    signal,
  });
  using meter = new MethodMeter(arm.observer, running);
  // If the session ends early, the watched processes end first, because a tracer cannot detach from a process that is
  // in vfork(2).
  await using _early = {
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await Promise.all([workload[Symbol.asyncDispose](), warmUp?.[Symbol.asyncDispose]()]);
      if (signal.aborted) await timer[Symbol.asyncDispose]();
    },
  };
  const first = meter.read();
  const warmed = (await warmUp?.run(meter)) ?? null;
  const timed = await timeSpawns(setting);
  const began = meter.read();
  await workload.start();
  await sleepUnless(signal, leadMs);
  const before = meter.read();
  let memoryBytes = 0;
  for (let look = 0; look < MEMORY_LOOKS; look++) {
    await sleepUntil(before.atNs + (windowMs * 1e6 * (look + 0.5)) / MEMORY_LOOKS, signal);
    memoryBytes = Math.max(memoryBytes, meter.memoryBytes(before.pids));
  }
  await sleepUntil(before.atNs + windowMs * 1e6, signal);
  const after = meter.read();
  const result = await unless(signal, workload.done);
  const last = meter.read();
  const problem = running.problem();
  await running.stop();
  if (problem !== null) throw new MethodEnded(problem);
  const tally = newTally();
  const truth = [...result.truth];
  const { total, seen, byLifetime, othersExecuted } = matchSightings(truth, running.seen(tally));
  const looks = isPolling ? looksBetween(first, last, running.usage(), tally.listings) : null;
  const use = meter.use(before, after);
  const isCounted = (bootNs: bigint): boolean => bootNs >= before.bootNs && bootNs < after.bootNs;
  const processes = truth.filter(({ spawnedFromNs }) => isCounted(spawnedFromNs)).length;
  const othersForked = forkedByOthers(began.forks, last.forks, result.spawned);
  const spawns = timed.spawns + (warmed?.spawned ?? 0);
  return {
    arm: arm.id,
    round,
    use: looks?.isLoop ? { ...use, cpuNs: loopCpuNs(looks, running.intervalMs ?? 0, use.elapsedNs) } : use,
    processes,
    others: isPolling
      ? 0
      : othersReported({
          executed: othersExecuted,
          spawns,
          watched: {
            ns: last.atNs - first.atNs,
            forkedByOthers: forkedByOthers(first.forks, last.forks, spawns + result.spawned),
          },
          window: { ns: use.elapsedNs, forkedByOthers: forkedByOthers(before.forks, after.forks, processes) },
        }),
    memoryBytes,
    total,
    seen,
    byLifetime,
    tally,
    looks,
    intervalMs: running.intervalMs,
    rateAchieved: result.rateAchieved,
    spawned: result.spawned,
    othersPerSecond: othersForked === null ? null : othersForked / ((last.atNs - began.atNs) / 1e9),
    spawnUs: timed.us,
    warmUp: warmed,
    lives: livesOf(result),
  };
}

/** A method ended by itself during its session. */
export class MethodEnded extends Error {
  override readonly name = "MethodEnded";
}

export interface TimedSpawns {
  /** µs of a spawn; null if there was no time for a spawn. */
  us: number | null;
  /** All processes that were made, including those that were not timed. */
  spawns: number;
}

/**
 * Times the blocks of one place in the schedule: µs a spawn, the lower quartile of the quietest block, because other
 * work on the machine can only add time.
 */
export async function timeSpawns({ plan, timer, signal }: SessionSetting): Promise<TimedSpawns> {
  const blocks: number[] = [];
  let spawns = 0;
  for (let block = 0; block < plan.blocks; block++) {
    const { n, p25 } = await unless(signal, timer.time(plan.blockSpawns, plan.blockMs));
    spawns += n + WARMUP_SPAWNS;
    if (n > 0) blocks.push(p25);
  }
  return { us: blocks.length === 0 ? null : Math.min(...blocks), spawns };
}

/**
 * Limit on the processes of the workload that live at the same time. It is larger than needed at that rate, so that the
 * workload reaches its rate also if the kernel is slow.
 */
function outstandingOf({ rate, lifetimes }: CompareOptions): number {
  const longestMs = Math.max(...lifetimes.map(({ lifetimeMs }) => lifetimeMs));
  return Math.min(4096, Math.max(256, Math.ceil(2 * rate * (longestMs / 1000 + 1))));
}

function sleepUntil(atNs: number, signal: AbortSignal): Promise<void> {
  return sleepUnless(signal, Math.max(0, (atNs - Bun.nanoseconds()) / 1e6));
}

function livesOf({ truth }: WorkloadResult): Life[] {
  const lives: Life[] = [];
  for (const { lifetimeMs, spawnedFromNs, exitedByNs, killed } of truth) {
    if (exitedByNs !== null && !killed) lives.push({ lifetimeMs, livedMs: Number(exitedByNs - spawnedFromNs) / 1e6 });
  }
  return lives;
}
