import { memoryText, pctText } from "../../top/views/text.ts";
import { byId, setLines } from "../dom.ts";
import type { GroupRow } from "../groups.ts";
import { missingOfGroups } from "../missing.ts";
import type { Model } from "../model.ts";
import { More } from "../more.ts";
import { RowTable } from "../table.ts";

const ROWS = 10;

/** The busiest units and containers. */
export class Groups {
  readonly #notes = byId("groups-notes", HTMLElement);
  readonly #more: More;
  readonly #table = new RowTable<GroupRow>(
    byId("groups", HTMLTableElement),
    [
      { className: "command", text: ({ name }) => name, faint: ({ unit }) => unit },
      { className: "number", text: ({ cpuPct }) => pctText(cpuPct), bar: ({ cpuPct }) => (cpuPct ?? 0) / 100 },
      { className: "number", text: ({ rssBytes }) => memoryText(rssBytes) },
      { className: "number", text: ({ processes }) => String(processes) },
    ],
    ({ name, unit }) => `${name}\0${unit}`,
  );

  constructor(changed: () => void) {
    this.#more = new More(byId("groups-more", HTMLButtonElement), changed, ROWS);
  }

  show({ groups, hasGroups, status }: Model, filter: string): void {
    if (status === undefined) return;
    const wanted = filter.toLowerCase();
    const rows = groups
      .filter(({ name, unit }) => `${name}\n${unit}`.toLowerCase().includes(wanted))
      .sort((a, b) => (b.cpuPct ?? -1) - (a.cpuPct ?? -1) || b.processes - a.processes);
    this.#table.show(rows.slice(0, this.#more.limit(rows.length)));
    setLines(this.#notes, missingOfGroups(status, hasGroups));
  }
}
