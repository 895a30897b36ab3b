import { printable } from "../../json/printable.ts";
import {
  formatBytes,
  formatCount,
  formatNumber,
  formatPct,
  shortened,
  UNKNOWN,
  withPercent,
} from "../../report/format.ts";
import type { Column, Fact } from "../../report/terminal/layout.ts";
import { captureText, intervalText, roughly } from "./notation.ts";
import type { CompareReport, CompareRow, FrontierRow } from "./report.ts";

/** A table as both the terminal and the page show it. */
export interface ReportTable {
  title: string;
  columns: Column[];
  rows: string[][];
  /** How to read it. */
  legend: string;
}

/** Rows that have figures. */
function measured({ rows }: CompareReport): CompareRow[] {
  return rows.filter(({ rounds }) => rounds > 0);
}

function label({ method, interval_ms }: CompareRow): string[] {
  return [methodName(method), interval_ms === null ? "events" : intervalText(interval_ms)];
}

const LONGEST_NAME = 24;

/** A method's name, shortened to the width of a column or a label of a chart. */
export function methodName(method: string): string {
  return shortened(method, LONGEST_NAME);
}

const LABEL: Column[] = [{ head: "method", align: "left" }, { head: "every" }];

export function costTable(report: CompareReport): ReportTable {
  return {
    title: "Cost",
    columns: [
      ...LABEL,
      { head: "CPU %" },
      { head: "kernel %" },
      { head: "total %" },
      { head: "µs/process" },
      { head: "slowdown %" },
      { head: "95 %" },
      { head: "memory" },
      { head: "written/s" },
    ],
    rows: measured(report).map((row) => [
      ...label(row),
      formatPct(row.cpu_pct),
      row.kernel_cpu_pct === null ? "slowdown" : formatPct(row.kernel_cpu_pct),
      formatPct(row.total_cpu_pct),
      formatNumber(row.us_per_process, { decimals: 1 }),
      slowdownText(row),
      slowdownInterval(row),
      formatBytes(row.memory_bytes),
      row.bytes_written === null || row.measured_s === null
        ? UNKNOWN
        : formatBytes(Math.round(row.bytes_written / row.measured_s)),
    ]),
    legend:
      "CPU: the method's own processes, % of one core. Kernel: BPF programs and kauditd; “slowdown”: only the watched " +
      "processes pay for it. µs/process: both, divided by the processes made meanwhile (for event methods also by others " +
      "that they reported). Slowdown: how much longer fork, exec, run and exit of /bin/true take (lower quartile) than " +
      "without a method.",
  };
}

function slowdownText({ slowdown }: CompareRow): string {
  return slowdown === null ? UNKNOWN : `${slowdown.pct > 0 ? "+" : ""}${oneDecimal(slowdown.pct)}`;
}

function slowdownInterval({ slowdown }: CompareRow): string {
  if (slowdown === null || slowdown.ci95 === null) return UNKNOWN;
  return slowdown.ci95.map(oneDecimal).join(" to ");
}

function oneDecimal(value: number): string {
  return formatNumber(value, { decimals: 1 });
}

export function captureTable(report: CompareReport): ReportTable {
  const lifetimes = [
    ...new Set(report.rows.flatMap(({ by_lifetime }) => by_lifetime.map(({ lifetime_ms }) => lifetime_ms))),
  ].sort((a, b) => (a ?? Number.POSITIVE_INFINITY) - (b ?? Number.POSITIVE_INFINITY));
  return {
    title: "Processes seen, in all and by how long they lived",
    columns: [
      ...LABEL,
      { head: "seen" },
      { head: "of" },
      { head: "share" },
      ...lifetimes.map((ms) => ({ head: ms === null ? "ordinary" : intervalText(ms) })),
      { head: "looks/s" },
      { head: "reports", align: "left" },
    ],
    rows: measured(report).map((row) => [
      ...label(row),
      formatCount(row.seen),
      formatCount(row.total),
      captureText(row.seen ?? 0, row.total ?? 0),
      ...lifetimes.map((ms) => {
        const group = row.by_lifetime.find(({ lifetime_ms }) => lifetime_ms === ms);
        return group === undefined ? UNKNOWN : captureText(group.seen, group.total);
      }),
      formatNumber(row.looks_per_second, { decimals: 1 }),
      reportsText(row),
    ]),
    legend:
      "A process is seen when the method's own output names it, by its pid and the nonce in its arguments or its start " +
      "time. Ordinary: ls, find, ps and sha256sum, which live for as long as their work takes. " +
      "Reports: what the output says about a process in addition to its pid and name.",
  };
}

function reportsText({ reports }: CompareRow): string {
  return reports.length === 0 ? "–" : reports.join(" ");
}

/** The cost by the number of processes; null if it was not measured. */
export function growthTable({ growth, options }: CompareReport): ReportTable | null {
  if (growth.sizes.length === 0) return null;
  const methods = [...new Set(growth.sizes.flatMap(({ rows }) => rows.map(({ method }) => method)))];
  return {
    title: `Cost by the number of processes on the machine (${growth.sizes.map(({ sleeping }) => formatCount(sleeping)).join(", ")} of them asleep)`,
    columns: [
      { head: "method", align: "left" },
      ...growth.sizes.flatMap(({ processes }) => [{ head: `${formatCount(processes)}: a look` }, { head: "% CPU" }]),
    ],
    rows: methods.map((method) => [
      methodName(method),
      ...growth.sizes.flatMap(({ rows }) => {
        const row = rows.find((each) => each.method === method);
        const look = row?.us_per_look ?? null;
        return [look === null ? "" : lookText(look), formatPct(row?.cpu_pct ?? null)];
      }),
    ]),
    legend: `% CPU: polling methods look every ${intervalText(options.interval_ms)}, event methods report ${formatNumber(options.rate)} processes a second.`,
  };
}

function lookText(us: number): string {
  return us < 1000 ? `${roughly(us)} µs` : `${roughly(us / 1000)} ms`;
}

export function frontierTable({ frontier }: CompareReport): ReportTable | null {
  if (frontier.length === 0) return null;
  const wanted = frontier[0]?.wanted_pct ?? 0;
  return {
    title: `To see ${wanted} % by polling (estimate)`,
    columns: [
      { head: "method", align: "left" },
      { head: "a look takes" },
      { head: "look every" },
      { head: "% CPU" },
      { head: "possible" },
      { head: "the model at what was measured", align: "left" },
    ],
    rows: frontier.map((row) => [
      methodName(row.method),
      lookText(row.us_per_look),
      row.interval_ms === null ? "never" : intervalText(row.interval_ms),
      row.cpu_pct === null ? UNKNOWN : formatNumber(row.cpu_pct),
      row.possible ? "yes" : "no",
      row.model.map(modelText).join("; "),
    ]),
    legend:
      "The model: a process that lives for L is present at a look with probability L / interval, and a look has its " +
      "measured cost at every interval. Not possible: a look takes longer than the interval.",
  };
}

function modelText({ interval_ms, predicted_pct, measured_pct }: FrontierRow["model"][number]): string {
  return `${intervalText(interval_ms)}: ${roughly(predicted_pct)} %, measured ${roughly(measured_pct)} %`;
}

/** Methods without figures, with the reason and a hint. */
export function absentFacts({ rows }: CompareReport): Fact[] {
  return rows
    .filter(({ rounds }) => rounds === 0)
    .map(
      ({ method, reason, hint }): Fact => [methodName(method), printable([reason, hint].filter(Boolean).join("; "))],
    );
}

/** Further notes about methods that have figures. */
export function remarks(report: CompareReport): string[] {
  const own = measured(report).flatMap(({ method, reason, lost, unparsed, aftermath }) => [
    ...(reason === null ? [] : [`${method}: ${reason}`]),
    ...(lost ? [`${method} reports that it lost ${formatCount(lost)} events.`] : []),
    ...(unparsed ? [`${method}: ${formatCount(unparsed)} lines of its output could not be parsed.`] : []),
    ...(aftermath === null ? [] : [`${method}: ${aftermath}`]),
  ]);
  return [...new Set([...own, ...report.notes])].map((text) => printable(text));
}

export function aboutFacts(report: CompareReport): Fact[] {
  const { host, options, workload } = report;
  const shares = workload.lived_ms
    .filter(({ lifetime_ms }) => lifetime_ms !== null)
    .map(({ lifetime_ms, median_ms }) => `${intervalText(lifetime_ms ?? 0)} (really ${roughly(median_ms)} ms)`);
  return [
    [
      "machine",
      [host.kernel, host.arch, `${host.cpus ?? "?"} CPUs`, host.cpu_model, host.virtualization]
        .filter(Boolean)
        .join(", "),
    ],
    [
      "workload",
      `${formatCount(workload.spawned)} processes, ${formatNumber(workload.rate_achieved)} a second (asked: ` +
        `${formatNumber(workload.rate_asked)}${othersText(workload)}); lifetimes ${shares.join(", ")}; ` +
        `${withPercent(100 * workload.ordinary_share)} ordinary ones`,
    ],
    [
      "measured",
      `${intervalText(options.duration_ms_per_method)} or more a method in ${options.rounds} ` +
        `${options.rounds === 1 ? "round" : "rounds"}, in random order (seed ${options.seed}), each between times ` +
        "without a method",
    ],
    ["took", `${formatNumber(report.duration_s, { decimals: 0 })} s`],
  ];
}

/**
 * A note if other programs start enough tasks to visibly raise the cost of methods that watch the whole machine.
 */
function othersText({ others_per_second: others, rate_asked }: CompareReport["workload"]): string {
  if (others === null || others < rate_asked / 10) return "";
  return `; others on this machine started ${formatNumber(others)} tasks a second, which all methods but strace paid for as well`;
}

/** The report's heading. */
export function titleOf({ version, complete, interrupted_by }: CompareReport): string {
  return `linnix ${version} compare-with-polling${complete ? "" : ` (incomplete: ended by ${interrupted_by})`}`;
}
