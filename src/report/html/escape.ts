import { printable } from "../../json/printable.ts";

const ENTITY: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** A piece of a page that is markup already. */
export class Markup {
  constructor(readonly text: string) {}
}

type Part = string | number | Markup | null | false | readonly Part[];

/**
 * Markup from a template: what is put in is text, and escaped, unless it is markup itself. Null and false are nothing.
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
