import type { ProcessRow } from "../../top/model.ts";
import { ancestorsOf, factsOf } from "../../top/views/facts.ts";
import { commandText } from "../../top/views/text.ts";
import { byId, element, setHidden, setText } from "../dom.ts";
import { clockOf } from "./health.ts";

/** Maximum number of characters of an ancestor's command line. */
const MOST_CHARACTERS = 400;

/**
 * All known facts about one process, as of the moment when the user opened it. They do not change while the user reads
 * them.
 */
export class Details {
  readonly #dialog = byId("details", HTMLDialogElement);
  readonly #heading = byId("details-heading", HTMLElement);
  readonly #time = byId("details-time", HTMLElement);
  readonly #facts = byId("details-facts", HTMLElement);
  readonly #ancestors = byId("details-ancestors", HTMLElement);
  readonly #ancestorsPart = byId("details-ancestors-part", HTMLElement);

  #key = "";

  constructor() {
    byId("details-close", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    // A click outside the box.
    this.#dialog.addEventListener("click", ({ target }) => {
      if (target === this.#dialog) this.#dialog.close();
    });
  }

  close(): void {
    this.#dialog.close();
  }

  open(row: ProcessRow, rows: readonly ProcessRow[]): void {
    setText(this.#heading, `Process ${row.pid} ${row.comm}`);
    setText(this.#time, `as of ${clockOf(Date.now())}`);
    // The daemon does not report the state, and the heading has the name.
    const facts = factsOf(row).filter(([name]) => name !== "state" && name !== "process");
    this.#facts.replaceChildren(
      ...facts.flatMap(([name, value]) => [element("dt", "", name || "…"), element("dd", "", value)]),
    );
    this.#key = row.key;
    this.showAncestors(row, ancestorsOf(row, new Map(rows.map((other) => [other.pid, other]))));
    this.#dialog.showModal();
  }

  /** Shows the ancestors, unless the dialog shows another process by now. @param ancestors parent first */
  showAncestors({ key }: ProcessRow, ancestors: readonly ProcessRow[]): void {
    if (key !== this.#key) return;
    const texts = ancestors.map((one) => `${one.pid} ${commandText(one).slice(0, MOST_CHARACTERS)}`);
    this.#ancestors.replaceChildren(...texts.map((text) => element("li", "", text)));
    setHidden(this.#ancestorsPart, texts.length === 0);
  }
}
