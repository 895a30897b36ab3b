import { linearAxis, tickText } from "../axis.ts";
import { html, type Markup } from "./escape.ts";
import { type FigureTexts, figure, LETTER_WIDTH } from "./figure.ts";
import { type Limit, MARGIN } from "./frame.ts";

export interface BarPart {
  value: number;
  tone: "a" | "b" | "c";
}

export interface StackedBarOptions extends FigureTexts {
  xTitle: string;
  parts: readonly BarPart[];
  limit: Limit;
}

const BAR = { top: 26, height: 34 };
const TICKS = { wide: 8, narrow: 4 } as const;

/** A bar that shows the parts of a sum next to each other, and a limit to compare the sum with. */
export function stackedBar({ parts, limit, xTitle, ...texts }: StackedBarOptions): Markup {
  return figure(texts, (size) => {
    const width = size.width - 2 * MARGIN.right;
    const bottom = BAR.top + BAR.height;
    const sum = parts.reduce((total, { value }) => total + value, 0);
    const x = linearAxis([sum, limit.value], TICKS[size.name], width);
    let from = 0;
    const drawn = parts.map(({ value, tone }) => {
      const left = x.at(from);
      from += value;
      return html`<rect class="${tone}" x="${left}" width="${tenth(x.at(from) - left)}" y="${BAR.top}" height="${BAR.height}"/>`;
    });
    const at = x.at(limit.value);
    const half = (limit.text.length * LETTER_WIDTH) / 2;
    const textX = tenth(Math.min(Math.max(at, half), width - half));
    return {
      height: bottom + 48,
      content: html`<g transform="translate(${MARGIN.right} 0)">
${x.ticks.map((tick) => html`<line class="grid" x1="${x.at(tick)}" x2="${x.at(tick)}" y1="${BAR.top}" y2="${bottom + 4}"/><text x="${x.at(tick)}" y="${bottom + 18}" text-anchor="middle">${tickText(tick)}</text>`)}
<line class="axis" x1="0" x2="${width}" y1="${bottom}" y2="${bottom}"/>
${drawn}
<line class="limit" x1="${at}" x2="${at}" y1="${BAR.top - 6}" y2="${bottom + 4}"/><text class="limit-text" x="${textX}" y="14" text-anchor="middle">${limit.text}</text>
<text x="${width}" y="${bottom + 36}" text-anchor="end">${xTitle}</text>
</g>`,
    };
  });
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
