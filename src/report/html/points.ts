import { linearAxis, logAxis } from "../axis.ts";
import { html, type Markup } from "./escape.ts";
import { type FigureTexts, figure, LETTER_WIDTH } from "./figure.ts";
import { frame, type Plot, plotOf } from "./frame.ts";
import { type Box, LABEL_HEIGHT, nearestPoint, type Place, placeLabels } from "./labels.ts";

export interface Point {
  x: number;
  y: number;
  /** Text that is shown while the mouse is over the point. */
  text: string;
}

/** Points that belong together. A line joins them in the order of x. */
export interface PointSeries {
  label: string;
  tone: "a" | "b";
  shape: "dot" | "square";
  isStrong: boolean;
  /** At least one. The first one has the label. */
  points: readonly Point[];
  /**
   * An estimated point of the series, drawn as a circle, or as a cross if it is not possible; null if there is none.
   */
  estimate: (Point & { isPossible: boolean }) | null;
}

export interface PointsOptions extends FigureTexts {
  xTitle: string;
  yTitle: string;
  series: readonly PointSeries[];
}

const PLOT_HEIGHT = { wide: 300, narrow: 340 } as const;
const MOST_DECADES = { wide: 9, narrow: 5 } as const;
const PERCENT = [0, 100];
/** A line joins a label to its point if the distance is larger than this. */
const NEAR = 9;

/** A chart of labelled points. The x axis has powers of ten, for a cost. The y axis has 0 to 100, for a percentage. */
export function labelledPoints({ series, xTitle, yTitle, ...texts }: PointsOptions): Markup {
  const all = series.flatMap(({ points, estimate }) => [...points, ...(estimate === null ? [] : [estimate])]);
  return figure(texts, (size) => {
    const plot = plotOf(size, PLOT_HEIGHT[size.name]);
    const x = logAxis(
      all.map((point) => point.x),
      MOST_DECADES[size.name],
      plot.width,
    );
    const y = linearAxis(PERCENT, 5, plot.height, true);
    const placed = series.map((each): PlacedSeries => {
      const place = (point: Point): Place => ({ x: x.at(point.x), y: y.at(point.y) });
      const path = [...each.points, ...(each.estimate === null ? [] : [each.estimate])]
        .toSorted((a, b) => a.x - b.x)
        .map(place);
      return { series: each, places: each.points.map(place), estimate: each.estimate && place(each.estimate), path };
    });
    return frame({ plot, x, y, xTitle, yTitle, hasColumns: true }, [
      ...placed.map(pathOf),
      ...placed.map(marksOf),
      ...labelsOf(placed, plot),
    ]);
  });
}

interface PlacedSeries {
  series: PointSeries;
  places: Place[];
  estimate: Place | null;
  path: Place[];
}

function pathOf({ series, path }: PlacedSeries): Markup {
  if (path.length < 2) return html``;
  return html`<polyline class="line-${series.tone} joined" points="${path.map(({ x, y }) => `${x},${y}`).join(" ")}"/>`;
}

function marksOf({ series, places, estimate }: PlacedSeries): Markup {
  const { tone, shape, isStrong, points } = series;
  const radius = isStrong ? 6.5 : 5;
  const marks = places.map(({ x, y }, index) => {
    const title = html`<title>${points[index]?.text ?? ""}</title>`;
    const r = index === 0 ? radius : 3.5;
    if (shape === "dot") return html`<circle class="${tone}" cx="${x}" cy="${y}" r="${r}">${title}</circle>`;
    return html`<rect class="${tone}" x="${x - r}" y="${y - r}" width="${2 * r}" height="${2 * r}">${title}</rect>`;
  });
  return html`${marks}${estimate && estimateMark(estimate, series)}`;
}

function estimateMark({ x, y }: Place, { tone, estimate }: PointSeries): Markup {
  const title = html`<title>${estimate?.text ?? ""}</title>`;
  if (estimate?.isPossible)
    return html`<circle class="open line-${tone}" cx="${x}" cy="${y}" r="4.5">${title}</circle>`;
  return html`<path class="line-${tone}" d="M${x - 4} ${y - 4}l8 8m0 -8l-8 8">${title}</path>`;
}

function labelsOf(placed: readonly PlacedSeries[], plot: Plot): Markup[] {
  const wanted = placed.map(({ series, places }) => ({
    series,
    at: places[0] ?? { x: 0, y: 0 },
    width: Bun.stringWidth(series.label) * LETTER_WIDTH * (series.isStrong ? 1.1 : 1),
  }));
  // Strong labels choose their place first.
  wanted.sort((a, b) => Number(b.series.isStrong) - Number(a.series.isStrong));
  const boxes = placeLabels(wanted, {
    ...plot,
    marks: placed.flatMap(({ places, estimate }) => [...places, ...(estimate === null ? [] : [estimate])]),
    lines: placed.flatMap(({ path }) => path.slice(1).map((to, index) => [path[index] ?? to, to] as const)),
  });
  return wanted.flatMap(({ series, at }, index) => {
    const box = boxes[index] ?? null;
    return box === null ? [] : [labelMarkup(series, at, box)];
  });
}

function labelMarkup({ label, isStrong }: PointSeries, at: Place, box: Box): Markup {
  const near = nearestPoint(box, at);
  const isFar = Math.hypot(near.x - at.x, near.y - at.y) > NEAR;
  // The text is narrower than its box, so it is aligned to the side of the box that is nearest to the point.
  const isLeft = box.x + box.width < at.x;
  const x = isLeft ? box.x + box.width : box.x;
  const leader =
    isFar &&
    html`<line class="leader" x1="${tenth(at.x)}" y1="${tenth(at.y)}" x2="${tenth(near.x)}" y2="${tenth(near.y)}"/>`;
  return html`${leader}<text class="label halo${isStrong ? " strong" : ""}" x="${tenth(x)}" y="${tenth(box.y + LABEL_HEIGHT - 3)}" text-anchor="${isLeft ? "end" : "start"}">${label}</text>`;
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
