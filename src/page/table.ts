import { element, setText } from "./dom.ts";

/** How one column shows an item. */
export interface Column<T> {
  className?: string;
  text(item: T): string;
  /** Faint text after the text. */
  faint?(item: T): string;
  /** Length of the bar behind the figure, 0 … 1. */
  bar?(item: T): number;
  /** Makes the text a button; called when the button is pressed. */
  press?(item: T): void;
  /** Text of the button for screen readers. */
  label?(item: T): string;
}

interface Cell {
  text: HTMLElement;
  faint: HTMLElement | undefined;
  bar: HTMLElement | undefined;
}

interface Shown<T> {
  row: HTMLTableRowElement;
  cells: Cell[];
  item: T;
}

/** The rows of a table. A row stays the same element as long as the table has its key, so that it keeps the focus. */
export class RowTable<T> {
  readonly #body: HTMLTableSectionElement;
  readonly #columns: readonly Column<T>[];
  readonly #keyOf: (item: T) => string;
  #rows = new Map<string, Shown<T>>();

  constructor(table: HTMLTableElement, columns: readonly Column<T>[], keyOf: (item: T) => string) {
    this.#body = table.tBodies[0] ?? table.createTBody();
    this.#columns = columns;
    this.#keyOf = keyOf;
  }

  show(items: readonly T[]): void {
    const before = this.#rows;
    const focused = document.activeElement;
    const focusedRow = [...this.#body.rows].findIndex((row) => row.contains(focused));
    this.#rows = new Map();
    for (const item of items) {
      const key = this.#keyOf(item);
      const shown = before.get(key) ?? this.#make(item);
      before.delete(key);
      shown.item = item;
      this.#fill(shown);
      this.#rows.set(key, shown);
    }
    for (const { row } of before.values()) row.remove();
    let at = this.#body.firstElementChild;
    for (const { row } of this.#rows.values()) {
      if (row === at) at = at.nextElementSibling;
      else this.#body.insertBefore(row, at);
    }
    if (focusedRow < 0 || focused === document.activeElement) return;
    // A row that moves loses the focus, so this restores it. If the row is gone, the row in its place gets the focus.
    const next = this.#body.rows[Math.min(focusedRow, this.#body.rows.length - 1)]?.querySelector("button");
    const wanted = focused instanceof HTMLElement && focused.isConnected ? focused : next;
    wanted?.focus({ preventScroll: true });
  }

  #make(item: T): Shown<T> {
    const row = document.createElement("tr");
    const shown: Shown<T> = { row, cells: [], item };
    for (const [index, column] of this.#columns.entries()) {
      const cell = row.insertCell(index);
      cell.className = column.className ?? "";
      const bar = column.bar && element("span", "bar");
      const text = column.press ? element("button", "link") : element("span", "text");
      const faint = column.faint && element("span", "faint");
      if (column.press) {
        text.setAttribute("type", "button");
        text.addEventListener("click", () => column.press?.(shown.item));
      }
      for (const part of [bar, text, faint]) if (part) cell.append(part);
      shown.cells.push({ text, faint, bar });
    }
    return shown;
  }

  #fill({ cells, item }: Shown<T>): void {
    for (const [index, column] of this.#columns.entries()) {
      const { text, faint, bar } = cells[index] as Cell;
      setText(text, column.text(item));
      if (column.label) text.setAttribute("aria-label", column.label(item));
      if (faint) setText(faint, column.faint?.(item) ?? "");
      if (bar) bar.style.width = `${Math.min(Math.max(column.bar?.(item) ?? 0, 0), 1) * 100}%`;
    }
  }
}
