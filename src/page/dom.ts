import { printable } from "../json/printable.ts";

/** An element of the page's own markup. @throws Error if the markup has no element with that id and kind */
export function byId<T extends HTMLElement>(id: string, kind: abstract new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return found;
}

/** Makes an element with a class and a text, which may come from any source. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className = "",
  text = "",
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  if (text !== "") setText(made, text);
  return made;
}

/**
 * Shows a text from any source. It writes characters as escapes if they are invisible or change the direction of other
 * text.
 */
export function setText(node: Node, text: string): void {
  const shown = printable(text);
  // A node whose text has not changed is not drawn again, and a selection in it stays.
  if (node.textContent !== shown) node.textContent = shown;
}

export function setHidden(node: HTMLElement, isHidden: boolean): void {
  if (node.hidden !== isHidden) node.hidden = isHidden;
}

/** Shows one element for each text in place of the previous ones. Hides the parent if there are no texts. */
export function setLines(parent: HTMLElement, texts: readonly string[], name: "li" | "p" = "p"): void {
  while (parent.children.length > texts.length) parent.lastElementChild?.remove();
  while (parent.children.length < texts.length) parent.append(document.createElement(name));
  for (const [index, text] of texts.entries()) setText(parent.children[index] as Element, text);
  setHidden(parent, texts.length === 0);
}
