import { printable } from "../../json/printable.ts";

const ENTITY: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** A piece of a page that is markup already. */
export class Markup {
  constructor(readonly text: string) {}
}

type Part = string | number | Markup | null | false | readonly Part[];

/**
 * Makes markup from a template. Inserted values are escaped as text, unless they are markup. Null and false insert
 * nothing.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(
    strings.map((text, index) => text + (index < parts.length ? shown(parts[index] ?? null) : "")).join(""),
  );
}

function shown(part: Part): string {
  if (part === null || part === false) return "";
  if (part instanceof Markup) return part.text;
  if (typeof part === "object") return part.map(shown).join("");
  return printable(String(part)).replace(/[&<>"']/g, (letter) => ENTITY[letter] ?? "");
}
