import { type Axis, tickText } from "../axis.ts";
import { html, type Markup } from "./escape.ts";
import { LETTER_WIDTH, type Size } from "./figure.ts";

/** A limit to compare values with, and its text. */
export interface Limit {
  value: number;
  text: string;
}

/** The area between two axes, in units of the drawing. */
export interface Plot {
  width: number;
  height: number;
}

export const MARGIN = { top: 30, right: 16, bottom: 38, left: 46 };

/** The plot of a chart: its width is the width of the chart without the margins. */
export function plotOf({ width }: Size, height: number): Plot {
  return { width: width - MARGIN.left - MARGIN.right, height };
}

export interface FrameOptions {
  plot: Plot;
  x: Axis;
  y: Axis;
  xTitle: string;
  yTitle: string;
  /** Whether the grid has lines at values of x as well. */
  hasColumns?: boolean;
}

/** Axes with their ticks and titles, and the content between them. */
export function frame({ plot, x, y, xTitle, yTitle, hasColumns = false }: FrameOptions, content: readonly Markup[]) {
  const bottom = y.at(Math.max(y.from, 0));
  return {
    height: MARGIN.top + plot.height + MARGIN.bottom,
    content: html`<g transform="translate(${MARGIN.left} ${MARGIN.top})">
${y.ticks.map((tick) => html`<line class="grid" x1="0" x2="${plot.width}" y1="${y.at(tick)}" y2="${y.at(tick)}"/><text x="-8" y="${y.at(tick) + 4}" text-anchor="end">${tickText(tick)}</text>`)}
${x.ticks.map((tick) => html`${hasColumns && html`<line class="grid" x1="${x.at(tick)}" x2="${x.at(tick)}" y1="0" y2="${plot.height}"/>`}${xTick(tick, x, plot)}`)}
<line class="axis" x1="0" x2="${plot.width}" y1="${bottom}" y2="${bottom}"/>
${content}
<text x="${plot.width}" y="${plot.height + 34}" text-anchor="end">${xTitle}</text>
<text x="${-MARGIN.left + 4}" y="-14">${yTitle}</text>
</g>`,
  };
}

/** The text of a tick, below its position, or at the right end of the chart if it does not fit there. */
function xTick(tick: number, x: Axis, plot: Plot): Markup {
  const text = tickText(tick);
  const at = x.at(tick);
  const isCut = at + (text.length * LETTER_WIDTH) / 2 > plot.width + MARGIN.right;
  return html`<text x="${isCut ? plot.width + MARGIN.right : at}" y="${plot.height + 17}" text-anchor="${isCut ? "end" : "middle"}">${text}</text>`;
}

/** The limit as a line across the plot. */
export function limitLine({ value, text }: Limit, y: Axis, plot: Plot): Markup {
  const at = y.at(value);
  // The text is below the line if there is no room above it.
  const textY = at < 12 ? at + 14 : at - 5;
  return html`<line class="limit" x1="0" x2="${plot.width}" y1="${at}" y2="${at}"/><text class="limit-text halo" x="${plot.width - 4}" y="${textY}" text-anchor="end">${text}</text>`;
}
