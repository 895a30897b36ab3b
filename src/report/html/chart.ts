import { html, type Markup } from "./escape.ts";

const WIDTH = 760;
const HEIGHT = 276;
const MARGIN = { top: 30, right: 16, bottom: 36, left: 52 };
const PLOT = { width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };

/** A straight axis from a value to another. */
interface Axis {
  from: number;
  to: number;
  ticks: number[];
  at(value: number): number;
}

/** How far beyond the last tick a value may lie, in steps: a minute is not drawn as seventy seconds for 3 ms more. */
const BEYOND = 0.05;

/** Round steps, about so many, that reach beyond both ends. */
export function niceTicks(from: number, to: number, about: number): number[] {
  const span = to > from ? to - from : Math.abs(from) || 1;
  const rough = span / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.floor(from / step + BEYOND);
  const last = Math.ceil(to / step - BEYOND);
  return Array.from({ length: Math.max(last - first, 1) + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

function axis(values: readonly number[], about: number, length: number, flip: boolean): Axis {
  const finite = values.filter(Number.isFinite);
  const ticks = niceTicks(Math.min(0, ...finite), Math.max(0, ...finite), about);
  const from = ticks[0] ?? 0;
  const to = ticks.at(-1) ?? 1;
  return {
    from,
    to,
    ticks,
    at: (value) => {
      const share = (Math.min(Math.max(value, from), to) - from) / (to - from);
      return Math.round((flip ? 1 - share : share) * length * 10) / 10;
    },
  };
}

/** As short as it goes: ticks are round. */
function tickText(tick: number): string {
  return tick.toLocaleString("en-US", { maximumSignificantDigits: 6 }).replace(/^-/, "\u2212");
}

interface Frame {
  title: string;
  caption: string;
  xTitle: string;
  yTitle: string;
  x: Axis;
  y: Axis;
}

function frame({ title, caption, xTitle, yTitle, x, y }: Frame, content: readonly Markup[]): Markup {
  return html`<figure><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}"><title>${title}</title>
<g transform="translate(${MARGIN.left} ${MARGIN.top})">
${y.ticks.map((tick) => html`<line class="grid" x1="0" x2="${PLOT.width}" y1="${y.at(tick)}" y2="${y.at(tick)}"/><text x="-8" y="${y.at(tick) + 4}" text-anchor="end">${tickText(tick)}</text>`)}
${x.ticks.map((tick) => html`<text x="${x.at(tick)}" y="${PLOT.height + 17}" text-anchor="middle">${tickText(tick)}</text>`)}
<line class="axis" x1="0" x2="${PLOT.width}" y1="${y.at(0)}" y2="${y.at(0)}"/>
${content}
<text x="${PLOT.width}" y="${PLOT.height + 32}" text-anchor="end">${xTitle}</text>
<text x="${-MARGIN.left + 4}" y="-14">${yTitle}</text>
</g></svg><figcaption>${caption}</figcaption></figure>`;
}

/** A level that is not to be reached. */
export interface Limit {
  value: number;
  text: string;
}

function limitLine({ value, text }: Limit, y: Axis): Markup {
  return html`<line class="limit" x1="0" x2="${PLOT.width}" y1="${y.at(value)}" y2="${y.at(value)}"/><text class="limit-text" x="${PLOT.width - 4}" y="${y.at(value) - 5}" text-anchor="end">${text}</text>`;
}

export interface StackedBarsOptions {
  title: string;
  caption: string;
  xTitle: string;
  yTitle: string;
  /** Each from x to x, with the lower and the upper part of its height. */
  bars: readonly { from: number; to: number; lower: number; upper: number }[];
  limit: Limit | null;
}

/** Two things that add up, over time. */
export function stackedBars({ bars, limit, ...texts }: StackedBarsOptions): Markup {
  const x = axis(
    bars.map(({ to }) => to),
    8,
    PLOT.width,
    false,
  );
  const y = axis([...bars.map(({ lower, upper }) => lower + upper), limit?.value ?? 0], 5, PLOT.height, true);
  const drawn = bars.map(({ from, to, lower, upper }) => {
    const left = x.at(from);
    const width = Math.max(x.at(to) - left - 1, 0.5);
    const middle = y.at(lower);
    return html`<rect class="a" x="${left}" width="${width}" y="${middle}" height="${y.at(0) - middle}"/><rect class="b" x="${left}" width="${width}" y="${y.at(lower + upper)}" height="${middle - y.at(lower + upper)}"/>`;
  });
  return frame({ ...texts, x, y }, [...drawn, ...(limit === null ? [] : [limitLine(limit, y)])]);
}

export interface ScatterOptions {
  title: string;
  caption: string;
  xTitle: string;
  yTitle: string;
  points: readonly { x: number; y: number }[];
  /** A line through them and the band that holds it, at some values of x. */
  line: readonly { x: number; y: number; low: number; high: number }[];
  limit: Limit | null;
}

/** Measured points and a line fitted to them. */
export function scatter({ points, line, limit, ...texts }: ScatterOptions): Markup {
  const x = axis(
    [...points, ...line].map((point) => point.x),
    8,
    PLOT.width,
    false,
  );
  const y = axis(
    [...points.map((point) => point.y), ...line.map((at) => at.y), limit?.value ?? 0],
    5,
    PLOT.height,
    true,
  );
  const upper = line.map((at) => `${x.at(at.x)},${y.at(at.high)}`);
  const lower = line.map((at) => `${x.at(at.x)},${y.at(at.low)}`).toReversed();
  const middle = line.map((at) => `${x.at(at.x)},${y.at(at.y)}`);
  return frame({ ...texts, x, y }, [
    html`<polygon class="band" points="${[...upper, ...lower].join(" ")}"/><polyline class="line-a" points="${middle.join(" ")}"/>`,
    ...points.map((point) => html`<circle class="b" cx="${x.at(point.x)}" cy="${y.at(point.y)}" r="3.5"/>`),
    ...(limit === null ? [] : [limitLine(limit, y)]),
  ]);
}

export interface Whisker {
  label: string;
  value: number;
  interval: readonly [number, number];
  /** `b` for what serves as a comparison. */
  tone: "a" | "b";
}

const ROW_HEIGHT = 30;
const LABEL_WIDTH = 190;

/** Figures with their intervals, one below the other on a common scale. */
export function whiskers(options: {
  title: string;
  caption: string;
  xTitle: string;
  rows: readonly Whisker[];
}): Markup {
  const { title, caption, xTitle, rows } = options;
  const width = WIDTH - LABEL_WIDTH - MARGIN.right;
  const height = rows.length * ROW_HEIGHT;
  const x = axis(
    rows.flatMap(({ value, interval }) => [value, ...interval]),
    8,
    width,
    false,
  );
  return html`<figure><svg viewBox="0 0 ${WIDTH} ${height + 44}" role="img" aria-label="${title}"><title>${title}</title>
<g transform="translate(${LABEL_WIDTH} 6)">
${x.ticks.map((tick) => html`<line class="${tick === 0 ? "axis" : "grid"}" x1="${x.at(tick)}" x2="${x.at(tick)}" y1="0" y2="${height}"/><text x="${x.at(tick)}" y="${height + 16}" text-anchor="middle">${tickText(tick)}</text>`)}
${rows.map(({ label, value, interval, tone }, index) => {
  const y = index * ROW_HEIGHT + ROW_HEIGHT / 2;
  return html`<text class="label" x="-12" y="${y + 4}" text-anchor="end">${label}</text><line class="line-${tone}" x1="${x.at(interval[0])}" x2="${x.at(interval[1])}" y1="${y}" y2="${y}"/><circle class="${tone}" cx="${x.at(value)}" cy="${y}" r="4.5"/>`;
})}
<text x="${width}" y="${height + 34}" text-anchor="end">${xTitle}</text>
</g></svg><figcaption>${caption}</figcaption></figure>`;
}
