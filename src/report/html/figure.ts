import { html, type Markup } from "./escape.ts";

/** A size of a chart. The narrow one is for phones, on which the letters of the wide one would be too small to read. */
export interface Size {
  name: "wide" | "narrow";
  /** Width in units of the drawing, which are about pixels. */
  width: number;
}

const SIZES: readonly Size[] = [
  { name: "wide", width: 760 },
  { name: "narrow", width: 320 },
];

/** Assumed width of a letter in a chart, because linnix cannot measure text. Most letters are narrower. */
export const LETTER_WIDTH = 7.2;

export interface FigureTexts {
  title: string;
  caption: string;
  /** Text for screen readers. Default: the title. */
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
