import { html, type Markup } from "./escape.ts";

/** How a chart is drawn: for a screen, and once more for a phone, on which letters of the other could not be read. */
export interface Size {
  name: "wide" | "narrow";
  /** In units of the drawing, which are about pixels. */
  width: number;
}

const SIZES: readonly Size[] = [
  { name: "wide", width: 760 },
  { name: "narrow", width: 320 },
];

/** Width of a letter of a chart, on the wide side: the page cannot measure its own text. */
export const LETTER_WIDTH = 7.2;

export interface FigureTexts {
  title: string;
  caption: string;
  /** What a reader who does not see the chart is to know; the title where there is nothing more. */
  description?: string;
}

/** A chart with its caption below. It exists in several sizes, and the style sheet shows one of them. */
export function figure(
  { title, caption, description = title }: FigureTexts,
  draw: (size: Size) => { height: number; content: Markup },
): Markup {
  const drawn = SIZES.map((size) => {
    const { height, content } = draw(size);
    return html`<svg class="${size.name}" viewBox="0 0 ${size.width} ${height}" role="img" aria-label="${description}">${content}</svg>`;
  });
  return html`<figure>${drawn}<figcaption><b>${title}.</b> ${caption}</figcaption></figure>`;
}
