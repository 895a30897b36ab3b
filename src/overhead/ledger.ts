import type { Ledger } from "../measure/verdict.ts";
import type { CaptureCount } from "./capture.ts";
import type { ExcludablePart } from "./options.ts";
import type { Figures } from "./result.ts";

/** Facts that the ledger needs besides the figures. */
export interface LedgerContext {
  thresholdPct: number;
  isLinnix: boolean;
  /** Whether the subject can be stopped. Without a time in which it is off, there is no slowdown. */
  canStop: boolean;
  /** Why the run ended early; null if it did not. */
  incomplete: string | null;
  problems: readonly Problem[];
  capture: CaptureCount | null;
  /** Parts that are not judged. */
  without?: readonly ExcludablePart[];
}

/** An error in a part of the run. */
export interface Problem {
  part: PartName;
  why: string;
}

export type PartName = "subject" | "in-kernel" | "capture" | "slowdown" | "model" | "output";

/** Most steal, % of the machine's CPU time: a CPU clock that counts steal as the subject's time is too high by it. */
const MOST_STEAL_PCT = 5;
/** Least share of the requested rate that the workload must reach. */
const LEAST_RATE_SHARE = 0.9;
/**
 * Other work saturates the machine if it uses more than this share of the CPU time, and either tasks wait for a CPU for
 * more than `MOST_PRESSURE_PCT` of the time, or the machine is busier than `MOST_BUSY_PCT`.
 */
const MOST_OTHERS_PCT = 40;
const MOST_PRESSURE_PCT = 60;
const MOST_BUSY_PCT = 95;
/** The reached share of the rate is not judged if the workload has fewer processes than this. */
const FEW_SPAWNS = 20;

const NOT_TO_BE_STOPPED = "the subject cannot be stopped, so there is nothing to compare with";
const EXCLUDED = "--without excludes it";
const OTHERS_OUTPUT = "the output of other agents is not read";

/** The figures that the test judges. */
export function ledgerOf(figures: Figures, context: LedgerContext): Ledger {
  const why = (part: PartName): string =>
    context.problems.find((problem) => problem.part === part)?.why ?? context.incomplete ?? "it was not measured";
  const measured: Ledger = {
    thresholdPct: context.thresholdPct,
    total: totalPart(figures, context.thresholdPct, why),
    lost: context.isLinnix
      ? figures.events.lost === null
        ? { state: "missing", why: why("output") }
        : { state: "measured", events: figures.events.lost }
      : { state: "left-out", why: OTHERS_OUTPUT },
    capture: context.isLinnix
      ? context.capture === null
        ? { state: "missing", why: why("capture") }
        : { state: "measured", spawned: context.capture.spawned, captured: context.capture.captured }
      : { state: "left-out", why: OTHERS_OUTPUT },
    slowdown: slowdownPart(figures, context, why),
    unfit: unfit(figures, context),
  };
  const excluded = (context.without ?? []).map((part) => [part, { state: "excluded", why: EXCLUDED }] as const);
  return { ...measured, ...Object.fromEntries(excluded) };
}

function totalPart(figures: Figures, thresholdPct: number, why: (part: PartName) => string): Ledger["total"] {
  const { total, collector } = figures;
  if (total !== null) return { state: "measured", avgCpuPct: total.avg_cpu_pct, ci95: total.ci95 };
  // The processes alone can disprove the claim about the total, but not prove it.
  if (collector !== null && collector.ci95[0] >= thresholdPct) {
    return { state: "measured", avgCpuPct: collector.avg_cpu_pct, ci95: collector.ci95 };
  }
  return { state: "missing", why: collector === null ? why("subject") : why("in-kernel") };
}

function slowdownPart(
  { slowdown }: Figures,
  context: LedgerContext,
  why: (part: PartName) => string,
): Ledger["slowdown"] {
  if (!context.canStop) return { state: "left-out", why: NOT_TO_BE_STOPPED };
  const problem = context.problems.find(({ part }) => part === "slowdown");
  if (slowdown !== null && slowdown.pct !== null && slowdown.ci95 !== null && problem === undefined) {
    const { pct, ci95, null_ci95 } = slowdown;
    return { state: "measured", pct, ci95, ...(null_ci95 && { nullCi95: null_ci95 }) };
  }
  return { state: "missing", why: why("slowdown") };
}

/** Reasons why the figures, though correct, prove nothing about ordinary conditions. */
function unfit({ noise, workload }: Figures, { incomplete, problems }: LedgerContext): string[] {
  const grounds: string[] = [];
  const pct = (value: number): string => `${value.toFixed(0)} %`;
  if (incomplete !== null) grounds.push(`the test did not get to its end: ${incomplete}`);
  for (const { part, why } of problems) if (part === "subject") grounds.push(why);
  const { steal_machine_pct: steal, others_machine_pct: others } = noise;
  const { cpu_pressure_pct: pressure, busy_machine_pct: busy } = noise;
  if (steal !== null && steal > MOST_STEAL_PCT) {
    grounds.push(`the hypervisor took ${pct(steal)} of the machine's CPU time for others`);
  }
  // A share of the time that the hypervisor left: if it steals half of the time, 50 % is a full machine.
  const ofTheRest = (share: number | null): number => (share === null ? 0 : (100 * share) / (100 - (steal ?? 0)) || 0);
  const isFull = (pressure !== null && pressure > MOST_PRESSURE_PCT) || ofTheRest(busy) > MOST_BUSY_PCT;
  if (ofTheRest(others) > MOST_OTHERS_PCT && isFull) {
    const waiting = pressure === null ? "" : `, and tasks waited for a processor ${pct(pressure)} of the time`;
    grounds.push(`the machine was full of other work: ${pct(ofTheRest(others))} of its CPU time went there${waiting}`);
  }
  if (workload !== null && workload.rate_asked * workload.duration_s >= FEW_SPAWNS) {
    if (workload.rate_achieved < LEAST_RATE_SHARE * workload.rate_asked) {
      const rate = `${workload.rate_achieved.toFixed(1)} of ${workload.rate_asked.toFixed(1)} processes a second`;
      grounds.push(`the workload reached only ${rate}`);
    }
  }
  return grounds;
}

/** The parts of the ledger that were not measured or are not judged, and why. */
export function leftOut(ledger: Ledger, problems: readonly Problem[]): { part: string; why: string }[] {
  const parts = { total: ledger.total, lost: ledger.lost, capture: ledger.capture, slowdown: ledger.slowdown };
  const left = Object.entries(parts).flatMap(([part, each]) =>
    each.state === "measured" ? [] : [{ part, why: each.why }],
  );
  return [...left, ...problems.filter(({ part }) => part === "in-kernel")];
}
