import { printable } from "../../../json/printable.ts";
import {
  formatCount,
  formatNumber,
  formatSeconds,
  formatTime,
  listed,
  shortened,
  withPercent,
} from "../../../report/format.ts";
import { type Fact, facts, heading, wrap } from "../../../report/terminal/layout.ts";
import { paint, type TextStyle, type Tone } from "../../../report/terminal/style.ts";
import { COUNTED_TYPES, type CountByType } from "../../../wire/event.ts";
import { machineText } from "../../report/about.ts";
import { capturedPct } from "../../report/run-facts.ts";
import { VERDICT_MARK, VERDICT_TONE } from "../../report/sentence.ts";
import { total } from "../output.ts";
import type { StormHead, StormReport, StormSourceFigures, StormStep } from "../result.ts";

export interface StormTextOptions extends TextStyle {
  /** Whether the heading was printed during the run, on the same terminal. */
  beginningShown: boolean;
  /** Print every step and every source. */
  verbose?: boolean;
}

/** Most steps, sources and names without `verbose`, so that the report fits on a screen. */
const MOST_STEPS = 3;
const MOST_SOURCES = 3;
const MOST_NAMES = 3;
const REASON_COLUMNS = 48;

/** The heading and the facts about the run. */
export function stormBeginning(head: StormHead, style: TextStyle): string[] {
  const { options, cgroups, budget } = head;
  const rows: Fact[] = [
    ["machine", machineText(head.host)],
    ["subject", printable(head.command)],
    [
      "storm",
      `${options.loops.forkers + options.loops.shells} loops that fork as fast as they can, for ${formatSeconds(options.storm_s)}, ` +
        `in ${cgroups.storm} (${cgroups.cpu}, pids.max ${cgroups.pids_max})`,
    ],
    ["neighbour", `${formatNumber(options.rate)} processes a second, in ${cgroups.neighbour}`],
    [
      "settings",
      `CPU budget ${budget.cpu_pct === 0 ? "none" : withPercent(budget.cpu_pct)}, storm rate ${budget.storm_rate}, ` +
        `least detail ${budget.floor}`,
    ],
    ["begun", formatTime(head.started)],
  ];
  return [heading(`linnix ${head.version} overhead-test --storm`, style), ...facts(rows, style), ""];
}

/** The report as text. */
export function stormTextReport(report: StormReport, options: StormTextOptions): string {
  const { verdict, reasons, incomplete } = report;
  const columns = options.columns && options.columns - 2;
  const sentence = wrap(`${VERDICT_MARK[verdict]} ${verdict}: ${printable(reasons.join("; "))}`, columns);
  const tone: Tone = VERDICT_TONE[verdict];
  const lines = [
    ...(options.beginningShown ? [""] : stormBeginning(report, options)),
    heading(`RESULTS${incomplete === null ? "" : ` (incomplete: ${incomplete})`}`, options),
    ...facts(resultFacts(report, options.verbose === true), options),
    "",
    ...sentence.map((line, index) => paint(index === 0 ? line : `  ${line}`, tone, options)),
  ];
  return `${lines.join("\n")}\n`;
}

function resultFacts(report: StormReport, isVerbose: boolean): Fact[] {
  return [
    ...stormFacts(report),
    ...sourceFacts(report.sources, isVerbose),
    ...stepFacts(report.steps, isVerbose),
    ...costFacts(report),
    ...lossFacts(report),
    ...neighbourFacts(report),
  ];
}

function stormFacts({ storm }: StormReport): Fact[] {
  if (storm === null) return [["storm", "not measured"]];
  const { sent, suppressed, exited, seconds } = storm;
  const counted = total(suppressed);
  const events = sent + counted;
  const rate = seconds > 0 ? events / seconds : 0;
  const share = events === 0 ? 0 : (100 * counted) / events;
  return [
    ["storm", `${formatCount(events)} events in ${formatSeconds(seconds)}, ${formatCount(rate)} a second`],
    ["sent", `${formatCount(sent)}, those of the neighbour included`],
    [
      "suppressed",
      `${formatCount(counted)} (${withPercent(share)}) counted instead of sent` +
        (counted === 0 ? "" : `: ${countsText(suppressed)}`),
    ],
    ...(counted === 0 ? [] : [["exits", resultsText(exited)] as const]),
  ];
}

function countsText(counts: CountByType): string {
  return COUNTED_TYPES.map((type) => `${type} ${formatCount(counts[type])}`).join(", ");
}

const RESULT_WORDS: Record<string, string> = {
  ok: "with code 0",
  error: "with another code",
  signal: "by a signal",
  unknown: "unknown",
};

function resultsText(exited: Record<string, number>): string {
  return `of these: ${listed(
    ...Object.entries(exited).map(
      ([result, count]) => count > 0 && `${formatCount(count)} ${RESULT_WORDS[result] ?? result}`,
    ),
  )}`;
}

/** Rows of which only the first has the label. */
function labelled(label: string, texts: readonly string[]): Fact[] {
  return texts.map((text, index) => [index === 0 ? label : "", text]);
}

function sourceFacts(sources: readonly StormSourceFigures[], isVerbose: boolean): Fact[] {
  const shown = isVerbose ? sources : sources.slice(0, MOST_SOURCES);
  const more = sources.slice(shown.length);
  const texts = shown.map(({ name, is_ours, suppressed, comms }) => {
    const names = (isVerbose ? comms : comms.slice(0, MOST_NAMES)).map(
      ({ comm, count }) => `${printable(comm)} ${formatCount(count)}`,
    );
    const where = is_ours ? "" : ", not of this test";
    return `${name}${where}: ${formatCount(total(suppressed))} events${names.length > 0 ? ` (${names.join(", ")})` : ""}`;
  });
  if (more.length > 0) {
    const rest = more.reduce((sum, { suppressed }) => sum + total(suppressed), 0);
    texts.push(`${more.length} more: ${formatCount(rest)} events`);
  }
  return labelled("sources", texts);
}

function stepFacts(steps: readonly StormStep[], isVerbose: boolean): Fact[] {
  if (steps.length === 0) return [["steps", "none"]];
  const shown = isVerbose ? steps : steps.slice(0, MOST_STEPS);
  const texts = shown.map(({ at_s, step, cost_pct, reason }) => {
    const at = `${at_s < 0 ? "" : "+"}${formatNumber(at_s, { decimals: 1 })} s`;
    const cost = cost_pct === null ? "" : ` at ${withPercent(cost_pct)}`;
    return `${at}  ${step}${cost}: ${isVerbose ? printable(reason) : shortened(reason, REASON_COLUMNS)}`;
  });
  const more = steps.length - shown.length;
  return labelled("steps", more > 0 ? [...texts, `${more} more`] : texts);
}

function costFacts({ cost, kernel }: StormReport): Fact[] {
  const rows: Fact[] = [];
  if (cost !== null) {
    const { before_pct, storm_pct, most_pct, after_pct, limit_pct } = cost;
    rows.push([
      "cost",
      `${withPercent(before_pct)} of one core before, ${withPercent(storm_pct)} in the storm, ${withPercent(after_pct)} after`,
    ]);
    const isAbove = most_pct !== null && limit_pct !== null && most_pct > limit_pct;
    const limit = limit_pct === null ? "no limit" : `limit ${withPercent(limit_pct)}`;
    rows.push([
      "cost at most",
      `${withPercent(most_pct)} in any 5 s from 3 s on (${limit})`,
      most_pct === null || limit_pct === null ? undefined : isAbove ? "bad" : "good",
    ] as Fact);
  }
  if (kernel !== null) {
    const each = kernel.ns_per_event === null ? "" : `${formatCount(kernel.ns_per_event)} ns an event, `;
    rows.push(["in the kernel", `${each}${withPercent(kernel.pct)} of one core in the storm`]);
  }
  return rows;
}

function lossFacts({ events }: StormReport): Fact[] {
  if (events === null) return [];
  const { lost, lost_by_reason, emitted } = events;
  const reasons = listed(
    ...Object.entries(lost_by_reason).map(([reason, count]) => count > 0 && `${reason} ${formatCount(count)}`),
  );
  const text = `${formatCount(lost)} of ${formatCount(total(emitted))} events sent${reasons === "" ? "" : ` (${reasons})`}`;
  return [["lost", text, lost === 0 ? "good" : "bad"]];
}

/** The neighbour has fallen behind if it reaches less than this share of its rate. */
const REACHED = 0.9;

function neighbourFacts({ neighbour, options }: StormReport): Fact[] {
  if (neighbour === null) return [];
  const { spawned, captured, out_of_order, rate_achieved } = neighbour;
  const behind =
    rate_achieved < REACHED * options.rate
      ? `; it fell behind: ${formatNumber(rate_achieved)} of ${formatNumber(options.rate)} a second`
      : "";
  const order = out_of_order === 0 ? "in order" : `${formatCount(out_of_order)} events out of order`;
  const text = `${capturedPct(neighbour)} %: ${formatCount(captured)} of ${formatCount(spawned)} processes, ${order}${behind}`;
  return [["neighbour", text, captured === spawned && out_of_order === 0 ? "good" : "bad"]];
}
