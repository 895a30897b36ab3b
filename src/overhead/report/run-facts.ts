import { formatCount, formatNumber, formatSeconds, listed, UNKNOWN, withPercent } from "../../report/format.ts";
import type { Fact } from "../../report/terminal/layout.ts";
import type { OverheadReport } from "../result.ts";

/** The facts of the run: its duration, the workload, its events, the capture, the start, and other load. */
export function runFacts(report: OverheadReport): Fact[] {
  const { samples, monitor } = report;
  const lengthS = samples.reduce((total, { length_s }) => total + length_s, 0);
  return [
    ["duration", listed(formatSeconds(lengthS), `${samples.length} samples`)],
    ...workloadFact(report),
    ...eventFacts(report),
    ...captureFact(report),
    ...startFact(report),
    ["machine", machineText(report)],
    ...(monitor === null
      ? []
      : [["this test", `${withPercent(monitor.avg_cpu_pct)} of one core, in no other figure`] as Fact]),
  ];
}

function workloadFact({ workload }: OverheadReport): Fact[] {
  if (workload === null) return [];
  const { spawned, rate_achieved, rate_asked, cpu_us_per_process, skipped, failed, left_out } = workload;
  const rate = (perSecond: number): string => `${formatNumber(perSecond, { significant: 4, decimals: 2 })}/s`;
  return [
    [
      "workload",
      listed(
        `${formatCount(spawned)} processes`,
        `${rate(rate_achieved)} of ${rate(rate_asked)} requested`,
        cpu_us_per_process !== null && `${formatNumber(cpu_us_per_process)} µs of CPU time each`,
        skipped > 0 && `${formatCount(skipped)} skipped as too late`,
        failed > 0 && `${formatCount(failed)} could not be made`,
        left_out.length > 0 && `without ${left_out.join(", ")} (not installed)`,
      ),
    ],
  ];
}

function eventFacts({ events }: OverheadReport): Fact[] {
  const { emitted, lost, suppressed, per_second, by_others_per_second } = events;
  if (emitted === null) return [];
  const rate = per_second !== null && `${formatNumber(per_second)} a second under the workload`;
  const others = by_others_per_second !== null && `${formatNumber(by_others_per_second)} of them by other processes`;
  const counted = suppressed !== null && suppressed > 0 && `${formatCount(suppressed)} counted only`;
  return [
    ["events", listed(`${formatCount(emitted)} in all`, rate, others)],
    ["lost", listed(formatCount(lost), counted), lost === 0 ? "good" : "bad"],
  ];
}

/** Share of the processes that were captured, without a sign: rounding must not make 100 % of 99.999. */
export function capturedPct({ captured, spawned }: { captured: number; spawned: number }): number {
  return captured === spawned ? 100 : Math.floor((10_000 * captured) / spawned) / 100;
}

function captureFact({ raw }: OverheadReport): Fact[] {
  const { capture } = raw;
  if (capture === null) return [];
  const { captured, spawned } = capture;
  const isWhole = captured === spawned;
  // Arguments or statuses that this backend never reports were not compared.
  const held = listed(
    "fork",
    "exec",
    capture.unreported_args < spawned && "arguments",
    "exit",
    capture.unreported_status < spawned && "status",
  );
  const but = (count: number, what: string): string | false => count > 0 && `${formatCount(count)} ${what}`;
  return [
    [
      "capture",
      listed(
        `${capturedPct(capture)} %: ${formatCount(captured)} of ${formatCount(spawned)} processes with their ${held}`,
        but(capture.without_fork, "without fork"),
        but(capture.without_exec, "without exec"),
        but(capture.without_exit, "without exit"),
        but(capture.wrong_args, "with other arguments"),
        but(capture.wrong_status, "with another status"),
        but(capture.unreported_args, "whose arguments this backend reports only in part"),
        but(capture.unreported_status, "whose status this backend does not report"),
      ),
      isWhole ? "good" : "bad",
    ],
  ];
}

function startFact({ collector }: OverheadReport): Fact[] {
  if (collector === null) return [];
  const { load, warm_up } = collector;
  const cpu = load?.cpu_ms ?? null;
  const text = listed(
    load !== null && `watching after ${formatNumber(load.elapsed_ms, { decimals: 0 })} ms`,
    cpu !== null && `${formatNumber(cpu, { decimals: 0 })} ms of CPU time for it`,
    warm_up !== null &&
      `then ${formatSeconds(warm_up.duration_s)} and ${formatCount(warm_up.spawned)} processes to warm up at ` +
        `${withPercent(warm_up.avg_cpu_pct)} of one core`,
  );
  return text === "" ? [] : [["start", `${text}; not in the averages`]];
}

function machineText({ baseline, noise, host }: OverheadReport): string {
  const { others_machine_pct, steal_machine_pct } = noise;
  const text = listed(
    baseline !== null && `${withPercent(baseline.system_cpu_pct)} of one core busy before`,
    others_machine_pct !== null &&
      `${withPercent(others_machine_pct)} of ${host.cpus ?? "all"} CPUs used by others meanwhile`,
    steal_machine_pct !== null && `${withPercent(steal_machine_pct)} stolen`,
  );
  return text || UNKNOWN;
}
