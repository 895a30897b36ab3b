import { formatTime } from "../../report/format.ts";
import { type Whisker, whiskers } from "../../report/html/chart.ts";
import { html, type Markup } from "../../report/html/escape.ts";
import { page, section } from "../../report/html/page.ts";
import { type Card, cards, htmlFacts, htmlTable } from "../../report/html/table.ts";
import { coverageFigure } from "./coverage-chart.ts";
import { captureText, intervalText, roughly } from "./notation.ts";
import type { CompareReport, CompareRow } from "./report.ts";
import {
  aboutFacts,
  absentFacts,
  captureTable,
  costTable,
  frontierTable,
  growthTable,
  methodName,
  type ReportTable,
  remarks,
  titleOf,
} from "./tables.ts";

/** The report as one HTML file that loads nothing. */
export function htmlReport(report: CompareReport): string {
  const tables = [captureTable(report), growthTable(report), frontierTable(report)];
  const absent = absentFacts(report);
  const notes = remarks(report);
  return page({
    title: titleOf(report),
    subtitle: formatTime(report.started),
    verdict: { tone: report.complete ? "good" : "doubtful", mark: "", name: "", text: report.take_home },
    body: [
      ...coverageFigure(report),
      cards(keyFigures(report)),
      section("What was measured", htmlFacts(aboutFacts(report))),
      tableSection(costTable(report), ...slowdownChart(report)),
      ...tables.flatMap((each) => (each === null || each.rows.length === 0 ? [] : [tableSection(each)])),
      ...(absent.length === 0 ? [] : [section("Not compared", htmlFacts(absent))]),
      ...(notes.length === 0
        ? []
        : [section("Remarks", html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`)]),
    ],
  });
}

function tableSection({ title, columns, rows, legend }: ReportTable, ...more: readonly Markup[]): Markup {
  const heads = columns.map(({ head }) => head);
  return section(title, htmlTable(title, heads, rows), html`<p class="faint">${legend}</p>`, ...more);
}

function keyFigures({ rows }: CompareReport): Card[] {
  return rows
    .filter(({ method, rounds }) => rounds > 0 && (method === "linnix" || method === "ps" || method === "auditd"))
    .map((row) => ({
      figure: captureText(row.seen ?? 0, row.total ?? 0),
      what: `seen by ${nameOf(row)}, which used ${row.total_cpu_pct === null ? "?" : roughly(row.total_cpu_pct)} % of one core`,
    }));
}

function slowdownChart({ rows }: CompareReport): Markup[] {
  const drawn = rows.flatMap((row): Whisker[] =>
    row.slowdown?.ci95
      ? [
          {
            label: nameOf(row),
            value: row.slowdown.pct,
            interval: row.slowdown.ci95,
            tone: row.method === "linnix" ? "a" : "b",
          },
        ]
      : [],
  );
  if (drawn.length === 0) return [];
  return [
    whiskers({
      title: "Slowdown of a short process",
      caption:
        "Lower quartile of fork, exec, run and exit of /bin/true, against the same without a watcher; 95 % intervals.",
      xTitle: "%",
      rows: drawn,
    }),
  ];
}

function nameOf({ method, interval_ms }: CompareRow): string {
  return interval_ms === null ? methodName(method) : `${methodName(method)} every ${intervalText(interval_ms)}`;
}
