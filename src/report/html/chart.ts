import { linearAxis, tickText } from "../axis.ts";
import { html, type Markup } from "./escape.ts";
import { type FigureTexts, figure } from "./figure.ts";
import { frame, type Limit, limitLine, MARGIN, plotOf } from "./frame.ts";

const PLOT_HEIGHT = 210;

/** About how many steps the ticks of the x axis divide it into: fewer on a narrow chart. */
const X_TICKS = { wide: 8, narrow: 4 } as const;

interface AxisTitles {
  xTitle: string;
  yTitle: string;
}

/** A bar from `from` to `to` on the x axis. Its height has a lower and an upper part. */
export interface StackedBar {
  from: number;
  to: number;
  lower: number;
  upper: number;
}

export interface StackedBarsOptions extends FigureTexts, AxisTitles {
  bars: readonly StackedBar[];
  limit: Limit | null;
}

/** A chart of bars over time. The two parts of each bar add up. */
export function stackedBars({ bars, limit, xTitle, yTitle, ...texts }: StackedBarsOptions): Markup {
  return figure(texts, (size) => {
    const plot = plotOf(size, PLOT_HEIGHT);
    const x = linearAxis(
      bars.map(({ to }) => to),
      X_TICKS[size.name],
      plot.width,
    );
    const y = linearAxis([...bars.map(({ lower, upper }) => lower + upper), limit?.value ?? 0], 5, plot.height, true);
    const drawn = bars.map(({ from, to, lower, upper }) => {
      const left = x.at(from);
      const width = Math.max(x.at(to) - left - 1, 0.5);
      const middle = y.at(lower);
      return html`<rect class="a" x="${left}" width="${width}" y="${middle}" height="${y.at(0) - middle}"/><rect class="b" x="${left}" width="${width}" y="${y.at(lower + upper)}" height="${middle - y.at(lower + upper)}"/>`;
    });
    return frame({ plot, x, y, xTitle, yTitle }, [...drawn, ...(limit === null ? [] : [limitLine(limit, y, plot)])]);
  });
}

export interface ScatterOptions extends FigureTexts, AxisTitles {
  points: readonly { x: number; y: number }[];
  /** The line fitted to the points and the band around the line, at some values of x. */
  line: readonly { x: number; y: number; low: number; high: number }[];
  limit: Limit | null;
}

/** A chart of measured points and a line fitted to them. */
export function scatter({ points, line, limit, xTitle, yTitle, ...texts }: ScatterOptions): Markup {
  return figure(texts, (size) => {
    const plot = plotOf(size, PLOT_HEIGHT);
    const x = linearAxis(
      [...points, ...line].map((point) => point.x),
      X_TICKS[size.name],
      plot.width,
    );
    const y = linearAxis(
      [...points.map((point) => point.y), ...line.map((at) => at.y), limit?.value ?? 0],
      5,
      plot.height,
      true,
    );
    const upper = line.map((at) => `${x.at(at.x)},${y.at(at.high)}`);
    const lower = line.map((at) => `${x.at(at.x)},${y.at(at.low)}`).toReversed();
    const middle = line.map((at) => `${x.at(at.x)},${y.at(at.y)}`);
    return frame({ plot, x, y, xTitle, yTitle }, [
      html`<polygon class="band" points="${[...upper, ...lower].join(" ")}"/><polyline class="line-a" points="${middle.join(" ")}"/>`,
      ...points.map((point) => html`<circle class="b" cx="${x.at(point.x)}" cy="${y.at(point.y)}" r="3.5"/>`),
      ...(limit === null ? [] : [limitLine(limit, y, plot)]),
    ]);
  });
}

export interface Whisker {
  label: string;
  value: number;
  interval: readonly [number, number];
  /** `b` for a figure that serves as a comparison. */
  tone: "a" | "b";
}

export interface WhiskersOptions extends FigureTexts {
  xTitle: string;
  rows: readonly Whisker[];
}

/** The position of a row's label: next to the row, or above it if there is no room. */
const ROW = {
  wide: { height: 30, left: 190, labelX: -12, labelY: 19, y: 15, anchor: "end" },
  narrow: { height: 38, left: MARGIN.right, labelX: 0, labelY: 13, y: 26, anchor: "start" },
} as const;

/** A chart of figures with their intervals, one below the other on a common scale. */
export function whiskers({ xTitle, rows, ...texts }: WhiskersOptions): Markup {
  return figure(texts, (size) => {
    const row = ROW[size.name];
    const width = size.width - row.left - MARGIN.right;
    const height = rows.length * row.height;
    const x = linearAxis(
      rows.flatMap(({ value, interval }) => [value, ...interval]),
      X_TICKS[size.name],
      width,
    );
    return {
      height: height + 46,
      content: html`<g transform="translate(${row.left} 6)">
${x.ticks.map((tick) => html`<line class="${tick === 0 ? "axis" : "grid"}" x1="${x.at(tick)}" x2="${x.at(tick)}" y1="0" y2="${height}"/><text x="${x.at(tick)}" y="${height + 16}" text-anchor="middle">${tickText(tick)}</text>`)}
${rows.map(({ label, value, interval, tone }, index) => {
  const top = index * row.height;
  const y = top + row.y;
  return html`<text class="label halo" x="${row.labelX}" y="${top + row.labelY}" text-anchor="${row.anchor}">${label}</text><line class="line-${tone}" x1="${x.at(interval[0])}" x2="${x.at(interval[1])}" y1="${y}" y2="${y}"/><circle class="${tone}" cx="${x.at(value)}" cy="${y}" r="4.5"/>`;
})}
<text x="${width}" y="${height + 36}" text-anchor="end">${xTitle}</text>
</g>`,
    };
  });
}
