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
import { scatter, stackedBars, type Whisker, whiskers } from "../../report/html/chart.ts";
import { html, type Markup } from "../../report/html/escape.ts";
import type { Limit } from "../../report/html/frame.ts";
import { page, section } from "../../report/html/page.ts";
import { type Card, cards, htmlFacts, htmlTable } from "../../report/html/table.ts";
import { modelPoints } from "../model-figures.ts";
import type { OverheadReport } from "../result.ts";
import { aboutFacts, reportTitle } from "./about.ts";
import { COST_HEADS, costRows } from "./cost-rows.ts";
import { type FactGroup, factGroups, GROUP } from "./fact-groups.ts";
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
      cards(keyFigures(report)),
      section("What was measured", htmlFacts(aboutFacts(report)), ...group(GROUP.run)),
      section(GROUP.cost, costTable(report), ...samplesChart(report), ...group(GROUP.cost), ...samplesTable(report)),
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

function costTable(report: OverheadReport): Markup {
  return htmlTable(GROUP.cost, COST_HEADS, costRows(report));
}

/** The claim as a line, where a chart of the costs would not shrink to nothing for it. */
function limitOf({ threshold_pct }: OverheadReport, most: number): Limit | null {
  return threshold_pct <= 20 * most ? { value: threshold_pct, text: `the claim: ${withPercent(threshold_pct)}` } : null;
}

function samplesChart(report: OverheadReport): Markup[] {
  const { samples } = report;
  const [first] = samples;
  if (first === undefined) return [];
  const beganS = first.t_s - first.length_s;
  const bars = samples.map((sample) => ({
    from: sample.t_s - sample.length_s - beganS,
    to: sample.t_s - beganS,
    lower: sample.user_cpu_pct ?? 0,
    upper: sample.kernel_cpu_pct ?? 0,
  }));
  return [
    stackedBars({
      title: "Cost over time",
      caption:
        "Blue: the collector's processes. Orange, on top of it: its BPF programs in the kernel. % of one core, each sample.",
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
  const rows = samples.map((sample) => sampleCells(sample, beganS));
  return [
    html`<details><summary>All ${samples.length} samples</summary>${htmlTable(
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
        { label: `${name}, alike arms`, value: nullUs, interval: each.null_us_ci95, tone: "b" },
      ];
    });
  return [
    whiskers({
      title: "Slowdown with its interval",
      caption:
        "Blue: how much longer one takes while it is watched. Orange: the same comparison between two arms that are " +
        "both not watched, which shows what noise alone does. 95 % intervals.",
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
