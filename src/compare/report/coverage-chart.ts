import type { Markup } from "../../report/html/escape.ts";
import { labelledPoints, type Point, type PointSeries } from "../../report/html/points.ts";
import { wrap } from "../../report/terminal/layout.ts";
import { type PlottedMark, plotLines } from "../../report/terminal/plot.ts";
import { paint, type TextStyle } from "../../report/terminal/style.ts";
import { type CoverageMethod, type CoveragePoint, coverageNotes, coverageOf } from "./cost-coverage.ts";
import type { CompareReport } from "./report.ts";

const TITLE = "Cost against coverage";
const X_TITLE = "µs a process (each step ten times as much)";
const OWN = "linnix";

/** The chart at the beginning of the page; empty if no method has a point in it. */
export function coverageFigure(report: CompareReport): Markup[] {
  const coverage = coverageOf(report);
  const { methods, wantedPct } = coverage;
  if (methods.length === 0) return [];
  const estimate =
    wantedPct === null
      ? ""
      : ` Empty circles: estimated cost of seeing ${wantedPct} % of the processes. Crosses: the method cannot see them, because a look takes longer than the interval that this needs.`;
  const texts = methods.flatMap(({ points, estimate: open }) => [...points, ...(open === null ? [] : [open])]);
  return [
    labelledPoints({
      title: TITLE,
      caption:
        "Best is above and to the left. Squares: methods that get events from the kernel. Dots: methods that poll, " +
        `smaller at shorter intervals.${estimate} ${coverageNotes(coverage).join(" ")}`,
      description: `${TITLE}. ${texts.map(({ text }) => `${text}.`).join(" ")}`,
      xTitle: X_TITLE,
      yTitle: "% of processes seen",
      series: methods.map(seriesOf),
    }),
  ];
}

function seriesOf({ method, kind, points, estimate }: CoverageMethod): PointSeries {
  const point = ({ usPerProcess, seenPct, text }: CoveragePoint): Point => ({ x: usPerProcess, y: seenPct, text });
  return {
    label: method,
    tone: kind === "events" ? "a" : "b",
    shape: kind === "events" ? "square" : "dot",
    isStrong: method === OWN,
    points: points.map(point),
    estimate: estimate && { ...point(estimate), isPossible: estimate.isPossible },
  };
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** The chart at the beginning of the text, with a letter for each method; empty if no method has a point in it. */
export function coverageLines(report: CompareReport, style: TextStyle): string[] {
  const coverage = coverageOf(report);
  const { methods, wantedPct } = coverage;
  if (methods.length === 0) return [];
  const letterOf = (index: number): string => LETTERS[index] ?? "+";
  const marks = methods.flatMap(({ method, points, estimate }, index): PlottedMark[] => {
    const mark = letterOf(index);
    const tone: Partial<PlottedMark> = method === OWN ? { tone: "good" } : {};
    return [
      ...points.map(({ usPerProcess, seenPct }) => ({ mark, x: usPerProcess, y: seenPct, ...tone })),
      ...(estimate?.isPossible
        ? [{ mark: mark.toUpperCase(), x: estimate.usPerProcess, y: estimate.seenPct, tone: "faint" as const }]
        : []),
    ];
  });
  const key = methods.map(({ method }, index) => `${letterOf(index)} ${method}`).join(", ");
  const capitals = methods.some(({ estimate }) => estimate?.isPossible)
    ? [`Capitals: what seeing ${wantedPct} % would cost (an estimate).`]
    : [];
  const text = [`${key}.`, ...capitals, ...coverageNotes(coverage).slice(1)].join(" ");
  return [
    paint(TITLE, "strong", style),
    ...plotLines({ marks, xTitle: X_TITLE, yTitle: "seen" }, style),
    ...wrap(text, style.columns === null ? null : Math.max(style.columns - 4, 40)).map((line) => `  ${line}`),
  ];
}
