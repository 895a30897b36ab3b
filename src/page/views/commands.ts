import { UNKNOWN } from "../../report/format.ts";
import { countText, memoryText, pctText } from "../../top/views/text.ts";
import { type CommandRow, WINDOW_S } from "../commands.ts";
import { byId, setHidden, setLines, setText } from "../dom.ts";
import { missingOfCommands } from "../missing.ts";
import type { Model } from "../model.ts";
import { More } from "../more.ts";
import { RowTable } from "../table.ts";

const ROWS = 10;

/** Commands of processes that started and ended between two lists of processes. */
export class Commands {
  readonly #heading = byId("commands-heading", HTMLElement);
  readonly #span = byId("commands-span", HTMLElement);
  readonly #empty = byId("commands-empty", HTMLElement);
  readonly #notes = byId("commands-notes", HTMLElement);
  readonly #tableElement = byId("commands", HTMLTableElement);
  readonly #table: RowTable<CommandRow>;
  readonly #more: More;

  constructor(changed: () => void) {
    this.#more = new More(byId("commands-more", HTMLButtonElement), changed, ROWS);
    this.#table = new RowTable<CommandRow>(
      this.#tableElement,
      [
        { className: "command", text: ({ comm }) => comm },
        { className: "number", text: ({ count }) => countText(count) },
        { className: "number", text: ({ failed }) => countText(failed) },
        { className: "number", text: ({ cpuPct }) => pctText(cpuPct) },
        { className: "number wide", text: ({ lifetimeS }) => lifetimeText(lifetimeS) },
        { className: "number wide", text: ({ peakRssBytes }) => memoryText(peakRssBytes) },
      ],
      ({ comm }) => comm,
    );
  }

  show(model: Model, filter: string, trouble: string | null): void {
    const { status, hasEnds } = model;
    if (status === undefined) return;
    const { coveredS, rows: all } = model.commands;
    const wanted = filter.toLowerCase();
    const rows = all.filter(({ comm }) => comm.toLowerCase().includes(wanted));
    setText(this.#heading, status.detail === "summary" ? "Commands that ended" : "Short-lived commands");
    setText(this.#span, coveredS < WINDOW_S ? `last ${Math.round(coveredS)} s` : "last minute");
    this.#table.show(rows.slice(0, this.#more.limit(rows.length)));
    setHidden(this.#tableElement, rows.length === 0);
    setHidden(this.#empty, rows.length > 0);
    setLines(this.#notes, missingOfCommands(status, hasEnds, trouble));
  }
}

function lifetimeText(seconds: number | null): string {
  if (seconds === null) return UNKNOWN;
  const ms = seconds * 1000;
  if (ms >= 9999.5) return `${seconds.toFixed(0)} s`;
  return ms < 9.95 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(0)} ms`;
}
