import type { Fact } from "../terminal/layout.ts";
import { html, type Markup } from "./escape.ts";

/**
 * A table. The first column is aligned to the left, the others to the right, as usual for figures. On a narrow screen,
 * the first column stays in place when the table scrolls.
 *
 * @param name name of the table for screen readers
 */
export function htmlTable(name: string, heads: readonly string[], rows: readonly (readonly string[])[]): Markup {
  const head = (text: string, index: number): Markup => html`<th scope="col"${index === 0 && FIRST}>${text}</th>`;
  const cell = (text: string, index: number): Markup =>
    index === 0 ? html`<th scope="row"${FIRST}>${text}</th>` : html`<td>${text}</td>`;
  return html`<div class="scroll" role="region" aria-label="${name}" tabindex="0"><table>
<thead><tr>${heads.map(head)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`)}</tbody>
</table></div>`;
}

const FIRST = html` class="first"`;

/** Labels and texts. */
export function htmlFacts(rows: readonly Fact[]): Markup {
  return html`<dl>${rows.map(([label, text, tone]) => html`<dt>${label.trim()}</dt><dd class="${tone ?? ""}">${text}</dd>\n`)}</dl>`;
}

/** An important figure in large letters, with its explanation. */
export interface Card {
  figure: string;
  what: string;
}

export function cards(all: readonly Card[]): Markup {
  return html`<div class="cards">${all.map(({ figure, what }) => html`<div class="card"><b>${figure}</b><span>${what}</span></div>`)}</div>`;
}
