import { type CostModel, fitCostModel, predictCpuPct } from "../../measure/cost-model.ts";
import {
  formatBytes,
  formatCount,
  formatNumber,
  formatSigned,
  formatTime,
  UNKNOWN,
  withPercent,
} from "../../report/format.ts";
import { stackedBar } from "../../report/html/bar.ts";
import { type StackedBar, scatter, stackedBars, type Whisker, whiskers } from "../../report/html/chart.ts";
import { html, type Markup } from "../../report/html/escape.ts";
import type { Limit } from "../../report/html/frame.ts";
import { page, section } from "../../report/html/page.ts";
import { type Card, cards, htmlFacts, htmlTable } from "../../report/html/table.ts";
import { mean } from "../../stats/moments.ts";
import { modelPoints } from "../model-figures.ts";
import type { OverheadReport } from "../result.ts";
import { aboutFacts, reportTitle } from "./about.ts";
import { COST_HEADS, costRows } from "./cost-rows.ts";
import { type FactGroup, factGroups, GROUP } from "./fact-groups.ts";
import { LEDGER_NAMES, ledgerPartsOf } from "./ledger-parts.ts";
import { capturedPct } from "./run-facts.ts";
import { SAMPLE_COLUMNS, SAMPLE_LEGEND, sampleCells } from "./samples.ts";
import { VERDICT_MARK, VERDICT_TONE, verdictSentence } from "./sentence.ts";
import { operationName } from "./slowdown-facts.ts";

/** The report as one HTML file that loads nothing. */
export function htmlReport(report: OverheadReport): string {
  const { verdict, incomplete } = report;
  const groups = factGroups(report);
  const group = (wanted: FactGroup["title"]): Markup[] =>
    groups.filter(({ title }) => title === wanted).map(({ facts }) => htmlFacts(facts));
  return page({
    title: reportTitle(report),
    subtitle: `${formatTime(report.started)}${incomplete === null ? "" : `; incomplete: ${incomplete}`}`,
    verdict: {
      tone: VERDICT_TONE[verdict],
      mark: VERDICT_MARK[verdict],
      name: verdict,
      text: verdictSentence(report).slice(`${verdict}: `.length),
    },
    body: [
      ...ledgerBar(report),
      cards(keyFigures(report)),
      section("What was measured", htmlFacts(aboutFacts(report)), ...group(GROUP.run)),
      section(GROUP.cost, costTable(report), ...samplesChart(report), ...group(GROUP.cost), ...samplesTable(report)),
      section(GROUP.timings, ...group(GROUP.timings)),
      section(GROUP.slowdown, ...slowdownChart(report), ...group(GROUP.slowdown)),
      section(GROUP.memory, ...group(GROUP.memory)),
      section(GROUP.model, ...modelChart(report), ...group(GROUP.model)),
      section("Verdict", html`<ul>${report.reasons.map((reason) => html`<li>${reason}</li>`)}</ul>`),
    ],
  });
}

function keyFigures({ total, collector, in_kernel, slowdown, events, memory, model, raw }: OverheadReport): Card[] {
  return [
    { figure: withPercent(total?.avg_cpu_pct ?? null), what: "of one core, all together" },
    { figure: withPercent(collector?.avg_cpu_pct ?? null), what: "of one core, its processes alone" },
    { figure: withPercent(in_kernel?.avg_cpu_pct ?? null), what: "of one core, its BPF programs" },
    {
      figure: slowdown === null ? UNKNOWN : `${formatSigned(slowdown.us_per_process)} µs`,
      what: "a process takes longer",
    },
    { figure: formatBytes(memory?.rss_peak_bytes ?? null), what: "resident memory at most" },
    { figure: formatCount(events.lost), what: `events lost of ${formatCount(events.emitted)}` },
    {
      figure: raw.capture === null ? UNKNOWN : `${capturedPct(raw.capture)} %`,
      what: `of ${formatCount(events.spawned)} known processes captured`,
    },
    {
      figure: model === null ? UNKNOWN : formatNumber(model.processes_per_second_at_threshold, { decimals: 0 }),
      what: "processes a second within the claim",
    },
  ];
}

/** Draws the costs as one stacked bar, with the claim as a limit. Draws nothing if no cost is known. */
function ledgerBar(report: OverheadReport): Markup[] {
  const { user, kernel, slowdown, wholeSlowdown, threshold } = ledgerPartsOf(report);
  if (user === null && kernel === null && slowdown === null) return [];
  const words =
    `user ${withPercent(user)} (its processes), kernel ${withPercent(kernel)} (its BPF programs in the time of the ` +
    `watched processes), ${LEDGER_NAMES.slowdown} ${withPercent(slowdown)}`;
  return [
    stackedBar({
      title: "The ledger",
      caption:
        `Blue, orange, purple, from the left: ${words}. All of the slowdown is ${withPercent(wholeSlowdown)} at this ` +
        "rate; the programs' time is a part of it and counts once. The claim is about user and kernel; the slowdown is judged beside it.",
      description: `The ledger, % of one core: ${words}; the claim is less than ${withPercent(threshold)}.`,
      xTitle: "% of one core",
      parts: [
        { value: user ?? 0, tone: "a" },
        { value: kernel ?? 0, tone: "b" },
        { value: slowdown ?? 0, tone: "c" },
      ],
      limit: { value: threshold, text: `the claim: ${withPercent(threshold)}` },
    }),
  ];
}

function costTable(report: OverheadReport): Markup {
  return htmlTable(GROUP.cost, COST_HEADS, costRows(report));
}

/** The claim as a line in a chart of costs. Null if it is so far above the costs that they would not be visible. */
function limitOf({ threshold_pct }: OverheadReport, most: number): Limit | null {
  return threshold_pct <= 20 * most ? { value: threshold_pct, text: `the claim: ${withPercent(threshold_pct)}` } : null;
}

/** Most bars and rows, so that the page of a long run stays small. */
const MOST_BARS = 120;
const MOST_ROWS = 240;

/** Divides items into at most `most` groups of neighbours of the same size. The last group can be smaller. */
function inGroups<T>(items: readonly T[], most: number): T[][] {
  const size = Math.max(Math.ceil(items.length / most), 1);
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

function samplesChart(report: OverheadReport): Markup[] {
  const { samples } = report;
  const [first] = samples;
  if (first === undefined) return [];
  const beganS = first.t_s - first.length_s;
  const bars = inGroups(samples, MOST_BARS).map((group): StackedBar => {
    const from = group[0] ?? first;
    return {
      from: from.t_s - from.length_s - beganS,
      to: (group.at(-1) ?? from).t_s - beganS,
      lower: mean(group.map(({ user_cpu_pct }) => user_cpu_pct ?? 0)),
      upper: mean(group.map(({ kernel_cpu_pct }) => kernel_cpu_pct ?? 0)),
    };
  });
  return [
    stackedBars({
      title: "Cost over time",
      caption:
        "Blue: the collector's processes. Orange, on top of it: its BPF programs in the kernel. % of one core, " +
        (samples.length > MOST_BARS ? "each bar the mean of samples that follow each other." : "each sample."),
      xTitle: "seconds of the workload",
      yTitle: "% of one core",
      bars,
      limit: limitOf(report, Math.max(...bars.map(({ lower, upper }) => lower + upper))),
    }),
  ];
}

function samplesTable({ samples }: OverheadReport): Markup[] {
  const [first] = samples;
  if (first === undefined) return [];
  const beganS = first.t_s - first.length_s;
  const shown = inGroups(samples, MOST_ROWS).map(([one = first]) => one);
  const rows = shown.map((sample) => sampleCells(sample, beganS));
  const title =
    shown.length === samples.length
      ? `All ${samples.length} samples`
      : `${shown.length} of ${formatCount(samples.length)} samples; the JSON report has all`;
  return [
    html`<details><summary>${title}</summary>${htmlTable(
      "Samples",
      SAMPLE_COLUMNS.map(({ head }) => head),
      rows,
    )}<p class="faint">${SAMPLE_LEGEND}</p></details>`,
  ];
}

function slowdownChart({ slowdown }: OverheadReport): Markup[] {
  if (slowdown === null) return [];
  const rows = slowdown.operations
    .filter(({ metric }) => metric === slowdown.metric)
    .flatMap((each): Whisker[] => {
      const name = operationName(each);
      const nullUs = (each.null_us_ci95[0] + each.null_us_ci95[1]) / 2;
      return [
        { label: `${name}, watched`, value: each.us, interval: each.us_ci95, tone: "a" },
        { label: `${name}, unwatched`, value: nullUs, interval: each.null_us_ci95, tone: "b" },
      ];
    });
  return [
    whiskers({
      title: "Slowdown with its interval",
      caption:
        "Blue: how much longer an operation takes while it is watched. Orange: the same comparison between two " +
        "unwatched arms, which shows the effect of noise alone. 95 % intervals.",
      xTitle: "µs",
      rows: rows.filter(({ interval }) => interval.every(Number.isFinite)),
    }),
  ];
}

function modelChart(report: OverheadReport): Markup[] {
  const points = modelPoints(report.raw);
  const model = fitCostModel(points);
  if (model === null) return [];
  const most = Math.max(...points.map(({ processesPerSecond }) => processesPerSecond));
  return [
    scatter({
      title: "Cost against processes a second",
      caption:
        "Each point is a window of the workload or of the sweep; the line is the fit, the band its 95 % interval.",
      xTitle: "processes a second",
      yTitle: "% of one core",
      points: points.map(({ processesPerSecond, cpuPct }) => ({ x: processesPerSecond, y: cpuPct })),
      line: lineOf(model, most * 1.1),
      limit: limitOf(report, Math.max(...points.map(({ cpuPct }) => cpuPct))),
    }),
  ];
}

const LINE_POINTS = 24;

function lineOf(model: CostModel, to: number): { x: number; y: number; low: number; high: number }[] {
  return Array.from({ length: LINE_POINTS + 1 }, (_, index) => {
    const x = (to * index) / LINE_POINTS;
    const { cpuPct, ci95 } = predictCpuPct(model, x);
    return { x, y: cpuPct, low: ci95[0], high: ci95[1] };
  });
}
