import { type Interval, overlaps, position } from "../stats/interval.ts";

/**
 * A part of the ledger. `missing`: it should have been measured and was not. `left-out`: it cannot be measured with
 * this subject. In both cases the claim is not proven. `excluded`: the user excluded it; the verdict covers only the
 * other parts.
 */
export type LedgerPart<T> =
  | ({ state: "measured" } & T)
  | { state: "missing"; why: string }
  | { state: "left-out"; why: string }
  | { state: "excluded"; why: string };

/** The figures that the verdict judges. */
export interface Ledger {
  /** The claim: the total cost is below this, % of one core. It is also the limit of the slowdown, in %. */
  thresholdPct: number;
  /** CPU time of the subject's processes and of its BPF programs together, % of one core. */
  total: LedgerPart<{ avgCpuPct: number; ci95: Interval }>;
  /** Events that the kernel side emitted and user space did not receive. */
  lost: LedgerPart<{ events: number }>;
  /** Number of processes that the workload made, and how many of them the subject reported. */
  capture: LedgerPart<{ spawned: number; captured: number }>;
  /** Slowdown, % of the CPU time of one process of the workload. `nullCi95`: the same between two unwatched arms. */
  slowdown: LedgerPart<{ pct: number; ci95: Interval; nullCi95?: Interval }>;
  /** Other reasons why the run proves nothing, such as an interruption or too much noise. */
  unfit?: readonly string[];
}

export type VerdictName = "PASS" | "FAIL" | "INCONCLUSIVE";

export interface Verdict {
  verdict: VerdictName;
  /** The reasons as sentences. Those that decided the verdict come first. Never empty. */
  reasons: string[];
}

/** The verdict of one part. */
type Finding = { says: VerdictName | "excluded"; reason: string };

/**
 * Judges the claim. FAIL if any measured part disproves it. Otherwise INCONCLUSIVE if an interval contains the
 * threshold, a part is missing or left out, all parts are excluded, or `unfit` has reasons. PASS only if every part
 * that was not excluded passes: the intervals of total cost and slowdown are below the threshold, no event was lost,
 * and every process was captured.
 */
export function judge(ledger: Ledger): Verdict {
  const findings: Finding[] = [
    part("total cost", ledger.total, (total) => judgeTotal(total, ledger.thresholdPct)),
    part("lost events", ledger.lost, judgeLost),
    part("capture", ledger.capture, judgeCapture),
    part("slowdown", ledger.slowdown, (slowdown) => judgeSlowdown(slowdown, ledger.thresholdPct)),
    ...(ledger.unfit ?? []).map((reason): Finding => ({ says: "INCONCLUSIVE", reason })),
  ];
  const said = (name: Finding["says"]): string[] =>
    findings.filter(({ says }) => says === name).map(({ reason }) => reason);
  const [failed, open, passed, excluded] = [said("FAIL"), said("INCONCLUSIVE"), said("PASS"), said("excluded")];
  if (failed.length > 0) return { verdict: "FAIL", reasons: [...failed, ...open] };
  if (open.length > 0) return { verdict: "INCONCLUSIVE", reasons: open };
  if (passed.length === 0) return { verdict: "INCONCLUSIVE", reasons: ["nothing was measured", ...excluded] };
  return { verdict: "PASS", reasons: [...passed, ...excluded] };
}

function part<T>(name: string, ledgerPart: LedgerPart<T>, judgeMeasured: (measured: T) => Finding): Finding {
  switch (ledgerPart.state) {
    case "measured":
      return judgeMeasured(ledgerPart);
    case "missing":
      return { says: "INCONCLUSIVE", reason: `${name} not measured: ${ledgerPart.why}` };
    case "left-out":
      return { says: "INCONCLUSIVE", reason: `${name} left out: ${ledgerPart.why}` };
    case "excluded":
      return { says: "excluded", reason: `${name} not judged: ${ledgerPart.why}` };
  }
}

function judgeTotal({ avgCpuPct, ci95 }: { avgCpuPct: number; ci95: Interval }, thresholdPct: number): Finding {
  const average = `total cost averages ${percent(avgCpuPct)} of one core`;
  if (isUnbounded(ci95)) return { says: "INCONCLUSIVE", reason: `${average}, ${TOO_FEW}` };
  const figure = `${average} ${range(ci95)}`;
  // The claim is "less than", so an interval that ends at the threshold does not prove it.
  if (ci95[1] < thresholdPct) return { says: "PASS", reason: `${figure}, below ${percent(thresholdPct)}` };
  if (ci95[0] >= thresholdPct) return { says: "FAIL", reason: `${figure}, not below ${percent(thresholdPct)}` };
  return { says: "INCONCLUSIVE", reason: `${figure}: the interval contains ${percent(thresholdPct)}` };
}

function judgeLost({ events }: { events: number }): Finding {
  if (events > 0) return { says: "FAIL", reason: `${events} ${plural(events, "event was", "events were")} lost` };
  return { says: "PASS", reason: "no event was lost" };
}

function judgeCapture({ spawned, captured }: { spawned: number; captured: number }): Finding {
  if (spawned === 0) return { says: "INCONCLUSIVE", reason: "the workload made no process" };
  const share = `${captured} of ${spawned} processes captured`;
  if (captured >= spawned) return { says: "PASS", reason: share };
  // Rounded down: a share with missing processes must not be printed as 100 %.
  return { says: "FAIL", reason: `${share} (${Math.floor((10_000 * captured) / spawned) / 100} %)` };
}

function judgeSlowdown(
  { pct, ci95, nullCi95 }: { pct: number; ci95: Interval; nullCi95?: Interval },
  thresholdPct: number,
): Finding {
  const longer = `the workload's processes take ${percent(pct)} longer`;
  if (isUnbounded(ci95)) return { says: "INCONCLUSIVE", reason: `${longer}, ${TOO_FEW}` };
  const figure = `${longer} ${range(ci95)}`;
  switch (position(ci95, thresholdPct)) {
    case "below":
      return { says: "PASS", reason: figure };
    case "above":
      if (nullCi95 !== undefined && overlaps(ci95, nullCi95)) {
        return {
          says: "INCONCLUSIVE",
          reason: `${figure}, which overlaps the difference between unwatched blocks ${range(nullCi95)}`,
        };
      }
      return { says: "FAIL", reason: `${figure}, above ${percent(thresholdPct)}` };
    case "straddles":
      return { says: "INCONCLUSIVE", reason: `${figure}: the interval contains ${percent(thresholdPct)}` };
  }
}

const TOO_FEW = "in too few samples for an interval";

/** Whether both ends are infinite, because there were too few samples. */
function isUnbounded(interval: Interval): boolean {
  return !interval.some(Number.isFinite);
}

/** Three significant digits, so that 0.0042 % is not printed as 0 %. */
function percent(value: number): string {
  return `${number(value)} %`;
}

function range([lo, hi]: Interval): string {
  return `(95 % interval ${number(lo)} to ${number(hi)} %)`;
}

function number(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  return String(Number(value.toPrecision(3)));
}

function plural(count: number, one: string, more: string): string {
  return count === 1 ? one : more;
}
