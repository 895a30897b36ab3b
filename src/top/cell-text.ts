import { printable } from "../json/printable.ts";

/**
 * Maximum number of characters per column of the terminal. Hundreds of characters in one column, such as combining
 * ones, slow a terminal down.
 */
const MAX_CHARACTERS_PER_COLUMN = 4;
/** A character that may take no column, or more than one. */
const NOT_NARROW = /[^\x20-\x7e]/;

/** Text of any source, made safe for a terminal. Text wider than `room` columns is cut and ends with an ellipsis. */
export function cell(text: string, room: number): string {
  if (room <= 0) return "";
  const most = room * MAX_CHARACTERS_PER_COLUMN;
  // Most texts are short ASCII, and need no check of each character.
  if (text.length <= room && !NOT_NARROW.test(text)) return text;
  const isLong = text.length > most;
  return cut(printable(isLong ? text.slice(0, most) : text), room, isLong);
}

/** Like {@link cell}, with spaces after the text up to that many columns. */
export function padded(text: string, room: number): string {
  const shown = cell(text, room);
  return shown + " ".repeat(Math.max(room - widthOf(shown), 0));
}

/** Like {@link cell}, with spaces before the text up to that many columns. */
export function right(text: string, room: number): string {
  const shown = cell(text, room);
  return " ".repeat(Math.max(room - widthOf(shown), 0)) + shown;
}

/** Columns that the text takes. */
export function widthOf(text: string): number {
  return NOT_NARROW.test(text) ? Bun.stringWidth(text) : text.length;
}

function cut(text: string, room: number, isMore: boolean): string {
  if (!isMore && widthOf(text) <= room) return text;
  if (!NOT_NARROW.test(text)) return `${text.slice(0, room - 1)}…`;
  let kept = "";
  let width = 0;
  for (const character of text) {
    const wide = widthOf(character);
    if (width + wide > room - 1) break;
    kept += character;
    width += wide;
  }
  return `${kept}…`;
}
