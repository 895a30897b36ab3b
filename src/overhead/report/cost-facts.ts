import { printable } from "../../json/printable.ts";
import { formatCount, formatNumber, formatSeconds, listed, withPercent } from "../../report/format.ts";
import type { Fact } from "../../report/terminal/layout.ts";
import type { CollectorFigures, InKernelFigures, OverheadReport } from "../result.ts";

/** The parts of the averages in the table of costs. */
export function costFacts({ collector, in_kernel, total }: OverheadReport): Fact[] {
  const rows: Fact[] = [];
  if (total !== null) {
    const { avg_machine_pct, us_per_process } = total;
    rows.push([
      "together",
      listed(
        avg_machine_pct !== null && `${withPercent(avg_machine_pct)} of the whole machine`,
        us_per_process !== null &&
          `${formatNumber(us_per_process)} µs for each process that was seen, idle cost included`,
      ),
    ]);
  }
  if (collector !== null) {
    const { cpu_ns, user_mode_cpu_pct, kernel_mode_cpu_pct, wakeups_per_second } = collector;
    rows.push([
      "processes",
      listed(
        `${milliseconds(cpu_ns)} of CPU time`,
        user_mode_cpu_pct !== null &&
          `about ${withPercent(user_mode_cpu_pct)} in user mode and ${withPercent(kernel_mode_cpu_pct)} in kernel mode`,
        wakeups_per_second !== null && `woken ${formatNumber(wakeups_per_second)} times a second`,
      ),
    ]);
    if (collector.cold !== null) rows.push(coldFact(collector.cold));
  }
  return in_kernel === null ? rows : [...rows, ...inKernelFacts(in_kernel)];
}

function coldFact({ duration_s, avg_cpu_pct, us_per_process }: NonNullable<CollectorFigures["cold"]>): Fact {
  return [
    "cold start",
    listed(
      `a fresh collector uses ${withPercent(avg_cpu_pct)} of one core in its first ${formatSeconds(duration_s)}, start included`,
      us_per_process !== null &&
        `${formatNumber(us_per_process)} µs more for each process than a collector without work`,
    ),
  ];
}

function inKernelFacts({ run_ns, runs, ns_per_event, programs, statistics }: InKernelFigures): Fact[] {
  if (programs.length === 0) return [["in the kernel", "it has no BPF programs"]];
  const rows: Fact[] = [
    [
      "in the kernel",
      listed(
        `${milliseconds(run_ns)} in ${formatCount(runs)} runs of BPF programs`,
        ns_per_event !== null && `${microseconds(ns_per_event)} an event`,
      ),
    ],
    ...programs.map(
      (program): Fact => [
        `  ${printable(program.name) || "(no name)"}`,
        listed(
          `${formatCount(program.runs)} runs`,
          program.ns_per_run !== null && `${microseconds(program.ns_per_run)} each`,
          program.own && "called by the collector itself and part of its own time",
        ),
      ],
    ),
  ];
  if (statistics !== null) {
    const { ns_per_run, counted_ns_per_run, cpu_pct } = statistics;
    rows.push([
      "the counting",
      `takes ${nanoseconds(counted_ns_per_run)} of each run above (${withPercent(cpu_pct)} of one core in all)` +
        // Below the counted part: counting made no visible difference, for example because it was on already.
        (ns_per_run < counted_ns_per_run ? "" : `, and makes a run ${nanoseconds(ns_per_run)} longer while it is on`),
    ]);
  }
  return rows;
}

function milliseconds(ns: number): string {
  return `${formatNumber(ns / 1e6, { decimals: 1 })} ms`;
}

function microseconds(ns: number): string {
  return `${formatNumber(ns / 1000)} µs`;
}

function nanoseconds(ns: number): string {
  return `${formatNumber(ns, { decimals: 0 })} ns`;
}
