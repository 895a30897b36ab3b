import { captureText, intervalText, roughly } from "./notation.ts";
import type { CompareReport, CompareRow, FrontierRow } from "./report.ts";
import { methodName } from "./tables.ts";

/** A point of the chart: the cost of a process, and the share of processes that the method sees. */
export interface CoveragePoint {
  usPerProcess: number;
  seenPct: number;
  text: string;
}

/** A method in the chart. */
export interface CoverageMethod {
  method: string;
  kind: CompareRow["kind"];
  /** Points of the rows that have both figures. The row of the requested interval comes first. */
  points: CoveragePoint[];
  /** Estimated cost of seeing `wanted_pct`; null for event methods, and if no interval sees that much. */
  estimate: (CoveragePoint & { isPossible: boolean }) | null;
}

export interface Coverage {
  methods: CoverageMethod[];
  /** Measured methods without a cost or without a share, which therefore have no place in the chart. */
  withoutPlace: string[];
  /** Methods that were not measured. */
  absent: string[];
  wantedPct: number | null;
}

/** The rows as points of a chart of cost against coverage. */
export function coverageOf(report: CompareReport): Coverage {
  const { rows, frontier } = report;
  const methods: CoverageMethod[] = [];
  const withoutPlace: string[] = [];
  const absent: string[] = [];
  for (const [method, own] of Map.groupBy(rows, (row) => row.method)) {
    const name = methodName(method);
    const measured = own.filter(({ rounds }) => rounds > 0);
    const points = measured.flatMap(pointOf);
    const [first] = measured;
    if (first === undefined) absent.push(name);
    else if (points.length === 0) withoutPlace.push(name);
    else {
      const estimate = frontier.find((row) => row.method === method);
      methods.push({
        method: name,
        kind: first.kind,
        points,
        estimate: estimate === undefined ? null : estimatePoint(estimate, first, report),
      });
    }
  }
  return { methods, withoutPlace, absent, wantedPct: frontier[0]?.wanted_pct ?? null };
}

function pointOf(row: CompareRow): CoveragePoint[] {
  const { method, interval_ms, us_per_process, capture_pct, seen, total } = row;
  if (us_per_process === null || !Number.isFinite(us_per_process) || capture_pct === null) return [];
  const share = seen === null || total === null ? `${roughly(capture_pct)} %` : captureText(seen, total);
  const often = interval_ms === null ? "" : ` every ${intervalText(interval_ms)}`;
  return [
    {
      usPerProcess: Math.max(us_per_process, 0),
      seenPct: capture_pct,
      text: `${methodName(method)}${often}: ${share} seen, ${roughly(us_per_process)} µs a process`,
    },
  ];
}

/** µs of CPU time a second in one per cent of one core. */
const US_PER_PCT = 10_000;

function estimatePoint(
  { method, wanted_pct, interval_ms, cpu_pct, possible }: FrontierRow,
  { processes_per_second }: CompareRow,
  { workload }: CompareReport,
): CoverageMethod["estimate"] {
  const perSecond = processes_per_second ?? workload.rate_achieved ?? workload.rate_asked;
  if (interval_ms === null || cpu_pct === null || !(perSecond > 0)) return null;
  const usPerProcess = (cpu_pct * US_PER_PCT) / perSecond;
  if (!Number.isFinite(usPerProcess)) return null;
  const need = `${wanted_pct} % would need a look every ${intervalText(interval_ms)}, ${roughly(usPerProcess)} µs a process`;
  return {
    usPerProcess,
    seenPct: wanted_pct,
    isPossible: possible,
    text: `${methodName(method)}: ${need} (an estimate${possible ? "" : "; not possible: a look takes longer than that"})`,
  };
}

/** Notes that explain the chart, except its marks. The first note is about the cost. */
export function coverageNotes({ withoutPlace, absent }: Coverage): string[] {
  return [
    "Cost: CPU time of the method's own processes and, if known, in the kernel, idle time included. The table has the slowdown.",
    ...(withoutPlace.length === 0 ? [] : [`Without a known cost: ${withoutPlace.join(", ")}.`]),
    ...(absent.length === 0 ? [] : [`Not measured: ${absent.join(", ")}.`]),
  ];
}
