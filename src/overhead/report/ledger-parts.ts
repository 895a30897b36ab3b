import { formatInterval, withPercent } from "../../report/format.ts";
import type { OverheadReport } from "../result.ts";

/** The costs that add up to the ledger, % of one core. A part is null if it was not measured. */
export interface LedgerParts {
  user: number | null;
  /** BPF programs that run in the time of the watched processes. */
  kernel: number | null;
  /** Slowdown of watched processes without the time of the programs, which is part of it; never below 0. */
  slowdown: number | null;
  /** Whole slowdown of watched processes at the rate of the workload; below 0 if noise is larger. */
  wholeSlowdown: number | null;
  threshold: number;
}

/** µs of CPU time a second in one per cent of one core. */
const US_PER_PCT = 10_000;

export function ledgerPartsOf(report: OverheadReport): LedgerParts {
  const { collector, in_kernel, slowdown, threshold_pct } = report;
  const perSecond = processesPerSecond(report);
  const whole = slowdown === null || perSecond === null ? null : (slowdown.us_per_process * perSecond) / US_PER_PCT;
  return {
    user: collector?.avg_cpu_pct ?? null,
    kernel: in_kernel?.avg_cpu_pct ?? null,
    slowdown: whole === null ? null : Math.max(whole - (in_kernel?.avg_cpu_pct ?? 0), 0),
    wholeSlowdown: whole,
    threshold: threshold_pct,
  };
}

/** Watched processes per second, those outside the workload included: the BPF programs ran for all of them. */
function processesPerSecond({ total, workload }: OverheadReport): number | null {
  const us = total?.us_per_process ?? null;
  if (total !== null && us !== null && us > 0) return (total.avg_cpu_pct * US_PER_PCT) / us;
  return workload?.rate_achieved ?? null;
}

/** Names of the parts, in the order in which the bar stacks them. */
export const LEDGER_NAMES = { user: "user", kernel: "kernel", slowdown: "further slowdown" } as const;

/** The verdict in a few words. The last sentence of the report has the proofs. */
export function headline({ verdict, total, threshold_pct }: OverheadReport): string {
  const claim = `claim: < ${withPercent(threshold_pct)}`;
  if (total === null) return `${verdict}: the total cost is not known; ${claim}`;
  const known = total.ci95.every(Number.isFinite) ? ` (95 % sure: ${formatInterval(total.ci95)} %)` : "";
  return `${verdict}: ${withPercent(total.avg_cpu_pct)} of one core${known}; ${claim}`;
}
