import { byId, element, setHidden, setLines, setText } from "../dom.ts";
import type { LogLine } from "../log.ts";
import { type BalanceRow, balanceOf } from "../losses.ts";
import type { Model } from "../model.ts";
import { RowTable } from "../table.ts";

/** Degradations, the table of events with their losses, and a log of when something happened. */
export class Health {
  readonly #reasons = byId("reasons", HTMLElement);
  readonly #log = byId("log", HTMLElement);
  readonly #logNotes = byId("log-notes", HTMLElement);
  readonly #logPart = byId("log-part", HTMLElement);
  readonly #balance: RowTable<BalanceRow>;
  #logged: readonly LogLine[] = [];

  constructor() {
    const count = (at: number) => ({
      className: "number",
      text: ({ counts }: BalanceRow) => (counts[at] ?? 0).toLocaleString("en-US"),
    });
    this.#balance = new RowTable<BalanceRow>(
      byId("balance", HTMLTableElement),
      [{ text: ({ name }: BalanceRow) => name }, count(0), count(1), count(2)],
      ({ name }) => name,
    );
  }

  /** @param trouble why the page receives no live events; null if it does */
  show({ status, reasons, log }: Model, trouble: string | null): void {
    if (status === undefined) return;
    setLines(this.#reasons, reasons, "li");
    this.#balance.show(balanceOf(status));
    const notes = trouble === null ? [] : [`New events are not listed at the moment: ${trouble}`];
    setLines(this.#logNotes, notes);
    setHidden(this.#logPart, log.lines.length === 0 && notes.length === 0);
    if (log.lines === this.#logged) return;
    this.#logged = log.lines;
    this.#log.replaceChildren(...log.lines.map(itemOf));
  }
}

function itemOf({ atMs, text, tone }: LogLine): HTMLElement {
  const item = element("li", tone);
  const time = element("time", "", clockOf(atMs));
  time.dateTime = new Date(atMs).toISOString();
  const shown = element("span");
  setText(shown, text);
  item.append(time, " ", shown);
  return item;
}

/** `02:31:04` by the clock of this browser. */
export function clockOf(ms: number): string {
  return new Date(ms).toTimeString().slice(0, 8);
}
