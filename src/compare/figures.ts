import { neighbourSlowdown, type TimedPlace } from "../measure/neighbour-slowdown.ts";
import type { Availability } from "../observers/observer.ts";
import { mean } from "../stats/moments.ts";
import { quantile } from "../stats/quantile.ts";
import type { Arm } from "./arms.ts";
import { frontierPoint, modelCapture } from "./frontier.ts";
import type { GrowthStep } from "./growth.ts";
import { looksPerSecond } from "./looks.ts";
import type { CompareRow, FrontierRow, GrowthReport, LifetimeRow } from "./report/report.ts";
import type { Session } from "./session.ts";

/** Facts about a row besides its sessions. */
export interface ArmState {
  arm: Arm;
  availability: Availability;
  /** Why a session of it failed, or why it has none although it is available; null if there is no problem. */
  problem: string | null;
}

/** The share of processes that the frontier is about, %. */
export const WANTED_PCT = 95;

/** Computes a row of the report from all sessions of the row. It is a pure function. */
export function rowOf(state: ArmState, sessions: readonly Session[], places: readonly TimedPlace[]): CompareRow {
  const { arm, availability, problem } = state;
  const { observer } = arm;
  const row = emptyRow(state);
  const own = sessions.filter((session) => session.arm === arm.id);
  if (!availability.ok || own.length === 0) return row;
  const intervalMs = own[0]?.intervalMs ?? null;
  const sum = (of: (session: Session) => number): number => own.reduce((total, session) => total + of(session), 0);
  const elapsedNs = sum(({ use }) => use.elapsedNs);
  const cpuNs = sum(({ use }) => use.cpuNs);
  const kernelNs = own.every(({ use }) => use.kernelNs !== null) ? sum(({ use }) => use.kernelNs ?? 0) : null;
  // The kernel cost of these cannot be measured: a stop at a system call is no CPU time, and the time for a queued
  // message cannot be separated from other work.
  const isFelt = observer.inKernel === "ptrace" || observer.inKernel === "connector";
  const totalNs = kernelNs === null ? (isFelt ? cpuNs : null) : cpuNs + kernelNs;
  const processes = sum((session) => session.processes + session.others);
  const pctOf = (ns: number): number => (100 * ns) / elapsedNs;
  const looks = own.flatMap((session) => session.looks ?? []);
  const slowdown = neighbourSlowdown(places, arm.id);
  const seen = sum((session) => session.seen);
  const total = sum((session) => session.total);
  return {
    ...row,
    reason: problem,
    interval_ms: intervalMs,
    rounds: own.length,
    cpu_pct: pctOf(cpuNs),
    kernel_cpu_pct: kernelNs === null ? null : pctOf(kernelNs),
    total_cpu_pct: totalNs === null ? null : pctOf(totalNs),
    us_per_process: totalNs === null || processes === 0 ? null : totalNs / 1000 / processes,
    processes_per_second: processes / (elapsedNs / 1e9),
    slowdown: slowdown && {
      pct: slowdown.pct,
      ci95: slowdown.ci95,
      us_per_process: slowdown.usPerProcess,
      us_ci95: slowdown.usCi95,
    },
    memory_bytes: Math.max(...own.map(({ memoryBytes }) => memoryBytes)),
    bytes_written: sum(({ use }) => use.bytesWritten),
    measured_s: elapsedNs / 1e9,
    seen,
    total,
    capture_pct: total === 0 ? null : (100 * seen) / total,
    by_lifetime: byLifetimeOf(own),
    looks_per_second: looks.length === 0 ? null : mean(looks.map((each) => looksPerSecond(each, intervalMs ?? 0))),
    us_per_look: looks.length === 0 ? null : add(looks, "cpuNs") / 1000 / add(looks, "count"),
    rate_achieved: sum(({ rateAchieved }) => rateAchieved) / own.length,
    others_per_second: othersOf(own),
    lost: sum(({ tally }) => tally.lost),
    unparsed: sum(({ tally }) => tally.unparsed),
    warm_up_s: observer.kind === "polling" ? null : sum(({ warmUp }) => warmUp?.seconds ?? 0) / own.length,
  };
}

function emptyRow({ arm, availability, problem }: ArmState): CompareRow {
  const { observer, intervalMs } = arm;
  return {
    method: observer.name,
    kind: observer.kind,
    available: availability.ok,
    reason: availability.ok ? problem : availability.reason,
    hint: availability.ok ? null : availability.hint,
    version: availability.ok ? availability.version : null,
    interval_ms: intervalMs,
    reports: [...observer.reports],
    rounds: 0,
    cpu_pct: null,
    kernel_cpu_pct: null,
    total_cpu_pct: null,
    us_per_process: null,
    processes_per_second: null,
    slowdown: null,
    memory_bytes: null,
    bytes_written: null,
    measured_s: null,
    seen: null,
    total: null,
    capture_pct: null,
    by_lifetime: [],
    looks_per_second: null,
    us_per_look: null,
    rate_achieved: null,
    others_per_second: null,
    lost: null,
    unparsed: null,
    warm_up_s: null,
    aftermath: observer.aftermath,
  };
}

function add<Key extends string>(items: readonly Record<Key, number>[], key: Key): number {
  return items.reduce((total, item) => total + item[key], 0);
}

function byLifetimeOf(sessions: readonly Session[]): LifetimeRow[] {
  const classes = new Map<number | null, { total: number; seen: number }>();
  for (const { lifetimeMs, total, seen } of sessions.flatMap(({ byLifetime }) => byLifetime)) {
    const group = classes.get(lifetimeMs) ?? { total: 0, seen: 0 };
    classes.set(lifetimeMs, { total: group.total + total, seen: group.seen + seen });
  }
  return [...classes]
    .sort(([a], [b]) => (a ?? Number.POSITIVE_INFINITY) - (b ?? Number.POSITIVE_INFINITY))
    .map(([lifetimeMs, { total, seen }]) => ({
      lifetime_ms: lifetimeMs,
      total,
      seen,
      capture_pct: total === 0 ? null : (100 * seen) / total,
    }));
}

/**
 * Estimates for each polling method at which interval it sees `WANTED_PCT`, and the cost at that interval. The estimate
 * uses the measured cost of a look and the real lifetimes of the workload's processes.
 */
export function frontierOf(rows: readonly CompareRow[], lifetimesMs: readonly number[]): FrontierRow[] {
  const methods = new Set(rows.filter(({ us_per_look }) => us_per_look !== null).map(({ method }) => method));
  return [...methods].map((method): FrontierRow => {
    const own = rows.filter((row) => row.method === method && row.us_per_look !== null);
    // The last row has the shortest interval: most looks, and nearest to the estimated interval.
    const usPerLook = own.at(-1)?.us_per_look ?? 0;
    const point = frontierPoint(method, usPerLook, lifetimesMs, WANTED_PCT);
    return {
      method,
      wanted_pct: WANTED_PCT,
      interval_ms: point.intervalMs,
      us_per_look: usPerLook,
      cpu_pct: point.cpuPct,
      possible: point.isPossible,
      model: own.flatMap(({ looks_per_second, capture_pct }) =>
        looks_per_second === null || capture_pct === null
          ? []
          : [
              {
                interval_ms: 1000 / looks_per_second,
                predicted_pct: 100 * modelCapture(lifetimesMs, 1000 / looks_per_second),
                measured_pct: capture_pct,
              },
            ],
      ),
    };
  });
}

/** The part of the report about the number of processes. */
export function growthOf(steps: readonly GrowthStep[], intervalMs: number, reason: string | null): GrowthReport {
  return {
    sizes: steps.map(({ sleeping, processes, figures, failed }) => ({
      sleeping,
      processes,
      rows: [
        ...figures.map(({ method, usPerLook, cpuPct }) => ({
          method,
          us_per_look: usPerLook,
          cpu_pct: usPerLook === null ? cpuPct : usPerLook / intervalMs / 10,
          reason: null,
        })),
        ...failed.map(({ method, reason }) => ({ method, us_per_look: null, cpu_pct: null, reason })),
      ],
    })),
    reason,
  };
}

/** Median of the real lifetimes of the processes, for each lifetime that was requested. */
export function livedOf(sessions: readonly Session[]): { lifetime_ms: number | null; median_ms: number }[] {
  const lives = Map.groupBy(
    sessions.flatMap(({ lives }) => lives),
    ({ lifetimeMs }) => lifetimeMs,
  );
  return [...lives]
    .sort(([a], [b]) => (a ?? Number.POSITIVE_INFINITY) - (b ?? Number.POSITIVE_INFINITY))
    .map(([lifetimeMs, group]) => ({
      lifetime_ms: lifetimeMs,
      median_ms: quantile(
        group.map(({ livedMs }) => livedMs),
        0.5,
      ),
    }));
}

/** Mean rate of tasks that other programs started during the sessions, per second; null if it is not known. */
export function othersOf(sessions: readonly Session[]): number | null {
  const known = sessions.flatMap(({ othersPerSecond }) => othersPerSecond ?? []);
  return known.length === 0 ? null : mean(known);
}
