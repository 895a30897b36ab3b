import { formatBytes, formatInterval, formatNumber } from "../../report/format.ts";
import type { Fact } from "../../report/terminal/layout.ts";
import type { HookName, OverheadReport } from "../result.ts";

/** What single steps take, and how that was measured. */
export function timingFacts({ timings }: OverheadReport): Fact[] {
  const { bytes_per_event, bytes_per_event_p5_p95, bytes_per_second, bytes_per_day } = timings;
  const hooks = (Object.keys(timings.hook_ns) as HookName[]).flatMap((name): Fact[] => {
    const ns = timings.hook_ns[name];
    const interval = timings.hook_ns_ci95[name];
    if (ns === null) return [];
    const spread = interval?.every(Number.isFinite)
      ? ` (${formatInterval([interval[0] / 1000, interval[1] / 1000])})`
      : "";
    return [[`hook ${name}`, `${formatNumber(ns / 1000)} µs${spread}, as the kernel counts the runs of its program`]];
  });
  if (bytes_per_event === null) return hooks;
  const spread = bytes_per_event_p5_p95 === null ? "" : ` (95 % are below ${formatBytes(bytes_per_event_p5_p95[1])})`;
  const rate =
    bytes_per_second === null || bytes_per_day === null
      ? ""
      : `, ${formatBytes(Math.round(bytes_per_second))} a second, ${formatBytes(Math.round(bytes_per_day))} a day at this rate`;
  return [...hooks, ["output", `${formatBytes(Math.round(bytes_per_event))} an event${spread}${rate}`]];
}
