import { cell } from "../cell-text.ts";
import type { Refresh } from "../model.ts";
import type { Line, Size } from "../screen.ts";
import type { Shown, ViewState } from "../state.ts";
import { detailsLines } from "./details.ts";
import { headerLines, tabLine } from "./header.ts";
import { helpLines, hintText } from "./help.ts";
import { type List, listOf } from "./lists.ts";

export interface Page {
  lines: Line[];
  shown: Shown;
}

/**
 * The lines of the whole screen. Adapts `top`, `index`, `selected` and `detailsTop` of the state to the rows and size.
 */
export function pageOf(refresh: Refresh, state: ViewState, { rows, columns }: Size): Page {
  const hint: Line = { text: cell(hintText(state.mode, state.isPaused), columns), tone: "faint" };
  const header = headerLines(refresh, columns, state.isPaused);
  // On a terminal with few rows, the list is more important than the header.
  if (rows < header.length + 5) header.length = Math.max(rows - 5, 0);
  const list = listOf(refresh, state);
  if (state.mode === "details" || state.mode === "help") {
    const room = Math.max(rows - header.length - 1, 0);
    const lines =
      state.mode === "help" ? helpLines(columns) : detailsLines(refresh, state.selected ?? list.keys[0] ?? "", columns);
    state.detailsTop = clamp(state.detailsTop, lines.length - room);
    const shown = lines.slice(state.detailsTop, state.detailsTop + room);
    return { lines: [...header, ...filled(shown, room), hint].slice(0, rows), shown: { keys: list.keys, page: room } };
  }
  const room = Math.max(rows - header.length - 3, 0);
  const heading: Line = { text: ` ${list.heading(columns - 1)}`.padEnd(columns), tone: "heading" };
  const body = bodyLines(list, state, room, columns);
  const lines = [...header, tabLine(state, columns), heading, ...filled(body, room), hint];
  return { lines: lines.slice(0, rows), shown: { keys: list.keys, page: Math.max(room - 1, 1) } };
}

function bodyLines(list: List, state: ViewState, room: number, columns: number): Line[] {
  const { keys } = list;
  if (keys.length === 0) return [{ text: cell(list.empty, columns), tone: "faint" }];
  let at = state.selected === null ? 0 : keys.indexOf(state.selected);
  if (at < 0) {
    // The selected row is gone, so the row in its place is selected.
    at = Math.min(state.index, keys.length - 1);
    state.selected = keys[at] ?? null;
  }
  state.index = at;
  if (at < state.top) state.top = at;
  if (at >= state.top + room) state.top = at - room + 1;
  state.top = state.selected === null ? 0 : clamp(state.top, keys.length - room);
  const lines: Line[] = [];
  for (let index = state.top; index < Math.min(state.top + room, keys.length); index++) {
    const isSelected = state.selected !== null && keys[index] === state.selected;
    // The mark shows the selected row even without colour.
    const text = list.line(index, columns - 1);
    lines.push(isSelected ? { text: `>${text}`, tone: "selected" } : { text: ` ${text}` });
  }
  return lines;
}

function filled(lines: readonly Line[], room: number): Line[] {
  return [...lines, ...Array.from({ length: Math.max(room - lines.length, 0) }, () => ({ text: "" }))];
}

function clamp(value: number, most: number): number {
  return Math.min(Math.max(value, 0), Math.max(most, 0));
}
