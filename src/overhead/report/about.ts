import type { HostFacts } from "../../doctor/host-facts.ts";
import { printable } from "../../json/printable.ts";
import { formatNumber, formatSeconds, formatTime, withPercent } from "../../report/format.ts";
import type { Fact } from "../../report/terminal/layout.ts";
import type { ReportHead } from "../result.ts";

/** Title of the report. */
export function reportTitle({ version }: Pick<ReportHead, "version">): string {
  return `linnix ${version} overhead-test`;
}

/** The subject, the machine and the workload of a report. */
export function aboutFacts(report: ReportHead): Fact[] {
  const { subject, options, host } = report;
  const rate = `${formatNumber(options.rate, { decimals: 2 })} processes a second`;
  const what = subject.command ?? `${subject.name}, running already`;
  return [
    ["machine", machineText(host)],
    ["subject", printable(what)],
    ["workload", `${options.profile} mix, ${rate}, ${formatSeconds(options.duration_s)}`],
    ["claim", `costs less than ${withPercent(report.threshold_pct)} of one core, in-kernel time included`],
    ["begun", `${formatTime(report.started)}, seed ${options.seed}${options.quick ? ", quick" : ""}`],
  ];
}

export function machineText(host: HostFacts): string {
  const parts = [
    `Linux ${host.kernel ?? "(unknown)"} ${host.arch ?? ""}`.trim(),
    host.cpus === null ? null : `${host.cpus} CPUs${host.cpu_model === null ? "" : ` (${host.cpu_model})`}`,
    host.virtualization === null || host.virtualization === "none" ? null : `virtual machine (${host.virtualization})`,
    host.jit === null ? null : `BPF JIT ${host.jit ? "on" : "off"}`,
    host.clocksource === null ? null : `clock ${host.clocksource}`,
    host.steal_pct === null ? null : `${withPercent(host.steal_pct)} stolen`,
  ];
  return printable(parts.filter((part) => part !== null).join(", "));
}
