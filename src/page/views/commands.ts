import { UNKNOWN } from "../../report/format.ts";
import { cpuPctOf } from "../../top/model.ts";
import { commandText, countText, memoryText, pctText } from "../../top/views/text.ts";
import { byId, setHidden, setLines, setText } from "../dom.ts";
import { missingOfCommands } from "../missing.ts";
import type { Model } from "../model.ts";
import { More } from "../more.ts";
import { type CommandRow, WINDOW_S } from "../short-lived.ts";
import { RowTable } from "../table.ts";

const ROWS = 10;
/** Characters of a command line in a list. */
const MOST_CHARACTERS = 200;

/** What started and ended too fast for a look at the processes. */
export class Commands {
  readonly #heading = byId("commands-heading", HTMLElement);
  readonly #span = byId("commands-span", HTMLElement);
  readonly #empty = byId("commands-empty", HTMLElement);
  readonly #notes = byId("commands-notes", HTMLElement);
  readonly #tableElement = byId("commands", HTMLTableElement);
  readonly #table: RowTable<CommandRow>;
  readonly #more: More;
  #watchedMs = 1;

  constructor(changed: () => void) {
    this.#more = new More(byId("commands-more", HTMLButtonElement), changed, ROWS);
    this.#table = new RowTable<CommandRow>(
      this.#tableElement,
      [
        { className: "command", text: ({ comm }) => comm, faint: lastOf },
        { className: "number", text: ({ count }) => countText(count) },
        { className: "number", text: failedText },
        { className: "number", text: ({ cpuNs }) => pctText(cpuNs === null ? null : cpuPctOf(cpuNs, this.#watchedMs)) },
        { className: "number wide", text: ({ durationNs, count }) => lifetimeText(durationNs, count) },
        { className: "number wide", text: ({ peakRssBytes }) => memoryText(peakRssBytes) },
      ],
      ({ comm }) => comm,
    );
  }

  show(model: Model, filter: string, trouble: string | null): void {
    const { status, commands, atS } = model;
    if (status === undefined) return;
    const wanted = filter.toLowerCase();
    const rows = commands.rows(atS).filter(({ comm }) => comm.toLowerCase().includes(wanted));
    const watchedS = commands.watchedS(atS);
    this.#watchedMs = Math.max(watchedS, 1) * 1000;
    setText(this.#heading, status.detail === "summary" ? "Commands that ended" : "Short-lived commands");
    setText(this.#span, watchedS < WINDOW_S ? `last ${Math.round(watchedS)} s` : "last minute");
    this.#table.show(rows.slice(0, this.#more.limit(rows.length)));
    setHidden(this.#tableElement, rows.length === 0);
    setHidden(this.#empty, rows.length > 0);
    setLines(this.#notes, missingOfCommands(status, model.isTooFast, trouble));
  }
}

/** The arguments of the last one, without the name that stands before them already. */
function lastOf({ args, argsTruncated, comm }: CommandRow): string {
  if (args === null || args.length === 0) return "";
  return commandText({ args, argsTruncated, comm }).slice(0, MOST_CHARACTERS);
}

function failedText({ failed, resultUnknown, count }: CommandRow): string {
  return resultUnknown === count ? UNKNOWN : countText(failed);
}

function lifetimeText(durationNs: number | null, count: number): string {
  if (durationNs === null) return UNKNOWN;
  const ms = durationNs / count / 1e6;
  return ms < 9.95 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(0)} ms`;
}
