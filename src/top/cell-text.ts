import { printable } from "../json/printable.ts";

/** Maximum number of characters in a column. More of them, such as hundreds of combining characters, slow a terminal down. */
const MAX_CHARACTERS_PER_COLUMN = 4;
/** A character that takes no column, or more than one. */
const NOT_NARROW = /[^\x20-\x7e]/;

/** Text from outside, safe for a terminal and cut to that many columns, with an ellipsis where something is missing. */
export function cell(text: string, room: number): string {
  if (room <= 0) return "";
  const most = room * MAX_CHARACTERS_PER_COLUMN;
  // Most texts need no look at each character.
  if (text.length <= room && !NOT_NARROW.test(text)) return text;
  const isLong = text.length > most;
  return cut(printable(isLong ? text.slice(0, most) : text), room, isLong);
}

/** The same, filled with spaces to that many columns. */
export function padded(text: string, room: number): string {
  const shown = cell(text, room);
  return shown + " ".repeat(Math.max(room - widthOf(shown), 0));
}

/** The same, to the right. */
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
