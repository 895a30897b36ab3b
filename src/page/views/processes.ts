import { UNKNOWN } from "../../report/format.ts";
import { groupName, type ProcessRow } from "../../top/model.ts";
import { sortProcesses } from "../../top/sorting.ts";
import { commandText, matchesFilter, memoryText, pctText } from "../../top/views/text.ts";
import { endOf, treeOf } from "../../top/views/tree.ts";
import { MOST_PROCESSES } from "../asking.ts";
import { byId, setLines, setText } from "../dom.ts";
import { missingOfProcesses } from "../missing.ts";
import type { Model } from "../model.ts";
import { More } from "../more.ts";
import { RowTable } from "../table.ts";

/** The order of the list. The page requests the same order from the daemon. */
export type Order = "cpu" | "rss" | "start" | "tree";

const SORTS = { cpu: "cpu", rss: "mem", start: "start" } as const;
/** Maximum number of characters of a command line in the list. The details show the whole command line. */
const MOST_CHARACTERS = 400;

interface Line {
  row: ProcessRow;
  prefix: string;
}

/** Maximum number of characters for the branches of a tree, so that the name is still visible on a phone. */
const BRANCHES = { narrow: 4, wide: 40 } as const;
const NARROW = matchMedia("(max-width: 40rem)");

/** The busiest processes, or their tree. */
export class Processes {
  readonly #table: RowTable<Line>;
  readonly #count = byId("process-count", HTMLElement);
  readonly #notes = byId("process-notes", HTMLElement);
  readonly #more: More;

  /** @param open shows the details of a process @param changed called when the list must be drawn again */
  constructor(open: (row: ProcessRow) => void, changed: () => void) {
    this.#more = new More(byId("process-more", HTMLButtonElement), changed);
    this.#table = new RowTable<Line>(
      byId("processes", HTMLTableElement),
      [
        {
          className: "number pid",
          text: ({ row }) => String(row.pid),
          label: ({ row }) => `Details of process ${row.pid}`,
          press: ({ row }) => open(row),
        },
        { className: "wide", text: ({ row }) => row.user ?? String(row.uid) },
        {
          className: "number",
          text: ({ row }) => pctText(row.cpuPct),
          bar: ({ row }) => (row.cpuPct ?? 0) / 100,
        },
        { className: "number", text: ({ row }) => memoryText(row.rssBytes) },
        { className: "number wide", text: ({ row }) => String(row.threads ?? UNKNOWN) },
        {
          className: "command",
          text: ({ row, prefix }) => endOf(prefix, this.#branches) + commandText(row).slice(0, MOST_CHARACTERS),
          faint: ({ row: { place } }) => (place.container || place.unit ? groupName(place) : ""),
        },
      ],
      ({ row }) => row.key,
    );
  }

  get #branches(): number {
    return NARROW.matches ? BRANCHES.narrow : BRANCHES.wide;
  }

  /** Whether the user requested more than the first rows. */
  get isMore(): boolean {
    return this.#more.isPressed;
  }

  show({ rows, status, live }: Model, order: Order, filter: string): void {
    if (status === undefined) return;
    const lines = linesOf(rows, order, filter);
    // Without a filter, this is the number of all live processes, even if the page has requested only the first ones.
    const all = filter === "" && lines.length < MOST_PROCESSES ? Math.max(live, lines.length) : lines.length;
    this.#table.show(lines.slice(0, this.#more.limit(all)));
    setText(this.#count, filter === "" ? `${live} alive` : `${lines.length} of ${live}`);
    setLines(this.#notes, missingOfProcesses(status, rows.length, live));
  }
}

function linesOf(rows: readonly ProcessRow[], order: Order, filter: string): Line[] {
  if (order === "tree") return treeOf(rows, (row) => matchesFilter(row, filter));
  const wanted = rows.filter((row) => matchesFilter(row, filter));
  return sortProcesses(wanted, SORTS[order]).map((row) => ({ row, prefix: "" }));
}
