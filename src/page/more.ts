import { FIRST_ROWS } from "./asking.ts";
import { setHidden, setText } from "./dom.ts";

/** Each press multiplies the number of rows by this. */
const FACTOR = 5;

/** The button below a list that shows more rows. */
export class More {
  readonly #button: HTMLButtonElement;
  #rows: number;
  #isPressed = false;

  constructor(button: HTMLButtonElement, changed: () => void, rows = FIRST_ROWS) {
    this.#button = button;
    this.#rows = rows;
    button.addEventListener("click", () => {
      this.#rows *= FACTOR;
      this.#isPressed = true;
      changed();
    });
  }

  /** Whether it has been pressed. */
  get isPressed(): boolean {
    return this.#isPressed;
  }

  /** How many of `rows` rows to show. */
  limit(rows: number): number {
    setHidden(this.#button, rows <= this.#rows);
    setText(this.#button, `Show more (${rows} in all)`);
    return this.#rows;
  }
}
