import { formatBytes, formatCount, formatInterval, formatNumber } from "../../report/format.ts";
import type { Fact } from "../../report/terminal/layout.ts";
import type { HookName, OverheadReport, Range, TimingFigures } from "../result.ts";

/** The times of single steps, and how they were measured. */
export function timingFacts({ timings }: OverheadReport): Fact[] {
  const { bytes_per_event, bytes_per_event_p5_p95, bytes_per_second, bytes_per_day } = timings;
  const hooks = (Object.keys(timings.hook_ns) as HookName[]).flatMap((name): Fact[] => {
    const ns = timings.hook_ns[name];
    const interval = timings.hook_ns_ci95[name];
    if (ns === null) return [];
    const spread = interval?.every(Number.isFinite)
      ? ` (95 % interval ${formatInterval([interval[0] / 1000, interval[1] / 1000])})`
      : "";
    return [[`hook ${name}`, `${formatNumber(ns / 1000)} µs${spread}, as the kernel counts the runs of its program`]];
  });
  const output: Fact[] = [];
  if (bytes_per_event !== null) {
    const spread =
      bytes_per_event_p5_p95 === null ? "" : ` (95 % have at most ${formatBytes(bytes_per_event_p5_p95[1])})`;
    const rate =
      bytes_per_second === null || bytes_per_day === null
        ? ""
        : `, ${formatBytes(Math.round(bytes_per_second))} a second, ${formatBytes(Math.round(bytes_per_day))} a day at this rate`;
    output.push(["output", `${formatBytes(Math.round(bytes_per_event))} an event${spread}${rate}`]);
  }
  const known = [
    ...hooks,
    ...stepFact("ring write", timings.ring_write_ns, timings.ring_write_ns_p5_p95, RING_WRITE),
    ...stepFact("read", timings.read_ns, timings.read_ns_p5_p95, READ),
    ...stepFact("to JSON", timings.json_ns, timings.json_ns_p5_p95, TO_JSON),
    ...output,
    ...delayFact(timings),
  ];
  return known.length === 0 ? [] : [...known, ...missingFact(timings)];
}

/** How each step is measured. The text follows its time. */
const RING_WRITE = "a loop of writes of an exit's record minus the same loop without the writes, with warm caches";
const READ = "a record from a full ring into the process table, by the collector's reader in this test's own process";
const TO_JSON = "reading and encoding to a line in memory minus reading alone, in the same process";

function stepFact(name: string, ns: number | null, range: Range | null, method: string): Fact[] {
  if (ns === null || range === null) return [];
  const spread = `5 to 95 % of the batches: ${formatNumber(range[0] / 1000)} to ${formatNumber(range[1] / 1000)}`;
  return [[name, `${formatNumber(ns / 1000)} µs (${spread}): ${method}`]];
}

function delayFact(timings: TimingFigures): Fact[] {
  const { p50, p99 } = timings.kernel_to_output_ms;
  if (p50 === null || p99 === null) return [];
  const lines = `${formatCount(timings.kernel_to_output_lines)} lines`;
  const flush = timings.kernel_to_output_flush_ms;
  const bound =
    flush === null
      ? "the collector is above its CPU budget, so it gathers events for longer than ring.flush_interval"
      : `of this, events wait in the rings for up to ${formatNumber(flush)} ms (ring.flush_interval)`;
  const from = "from the kernel's stamp of an event until its line is seen in the output file";
  return [
    ["to the output", `${formatNumber(p50)} ms (p50), ${formatNumber(p99)} ms (p99) of ${lines}: ${from}; ${bound}`],
  ];
}

/** The steps that were not measured, grouped by reason. */
function missingFact({ not_measured }: TimingFigures): Fact[] {
  const reasons = Map.groupBy(not_measured, ({ why }) => why);
  if (reasons.size === 0) return [];
  const text = [...reasons].map(([why, parts]) => `${parts.map(({ part }) => part).join(", ")}: ${why}`).join("; ");
  return [["not measured", text]];
}
