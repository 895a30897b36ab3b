import type { GroupRow } from "../../top/model.ts";
import { sortGroups } from "../../top/sorting.ts";
import { memoryText, pctText } from "../../top/views/text.ts";
import { byId } from "../dom.ts";
import type { Model } from "../model.ts";
import { More } from "../more.ts";
import { RowTable } from "../table.ts";

const ROWS = 10;

/** The busiest units, containers and cgroups. */
export class Groups {
  readonly #more: More;
  readonly #table = new RowTable<GroupRow>(
    byId("groups", HTMLTableElement),
    [
      { className: "command", text: ({ name }) => name },
      { className: "number", text: ({ cpuPct }) => pctText(cpuPct), bar: ({ cpuPct }) => (cpuPct ?? 0) / 100 },
      { className: "number", text: ({ rssBytes }) => memoryText(rssBytes) },
      { className: "number", text: ({ processes }) => String(processes) },
    ],
    ({ name }) => name,
  );

  constructor(changed: () => void) {
    this.#more = new More(byId("groups-more", HTMLButtonElement), changed, ROWS);
  }

  show({ groups }: Model, filter: string): void {
    const wanted = filter.toLowerCase();
    const rows = sortGroups(
      groups.filter(({ name }) => name.toLowerCase().includes(wanted)),
      "cpu",
    );
    this.#table.show(rows.slice(0, this.#more.limit(rows.length)));
  }
}
