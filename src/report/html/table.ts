import type { Fact } from "../terminal/layout.ts";
import { html, type Markup } from "./escape.ts";

/** A table; its first column to the left, the others to the right, as figures stand. */
export function htmlTable(heads: readonly string[], rows: readonly (readonly string[])[]): Markup {
  const cell = (tag: "td" | "th", text: string, index: number): Markup => {
    const className = index === 0 ? "first" : "";
    return tag === "th"
      ? html`<th scope="col" class="${className}">${text}</th>`
      : html`<td class="${className}">${text}</td>`;
  };
  return html`<div class="scroll"><table>
<thead><tr>${heads.map((head, index) => cell("th", head, index))}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((text, index) => cell("td", text, index))}</tr>\n`)}</tbody>
</table></div>`;
}

/** Labels and texts. */
export function htmlFacts(rows: readonly Fact[]): Markup {
  return html`<dl>${rows.map(([label, text, tone]) => html`<dt>${label.trim()}</dt><dd class="${tone ?? ""}">${text}</dd>\n`)}</dl>`;
}

/** A figure that is to be seen first. */
export interface Card {
  figure: string;
  what: string;
}

export function cards(all: readonly Card[]): Markup {
  return html`<div class="cards">${all.map(({ figure, what }) => html`<div class="card"><b>${figure}</b><span>${what}</span></div>`)}</div>`;
}
