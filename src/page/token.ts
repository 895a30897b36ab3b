import { byId, setHidden, setText } from "./dom.ts";

/** Where the page stores the token; null if the browser does not permit that. */
function storage(): Storage | null {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

/** Key of the token. The browser stores it until this tab is closed, and only for this address. */
const KEY = "linnix.token";
/** One word that a header can carry, at most as long as a token of linnix. */
const TOKEN = /^[\x21-\x7e]{1,4096}$/;

/** Asks for the token of the daemon. */
export class TokenForm {
  readonly #form = byId("token-form", HTMLFormElement);
  readonly #input = byId("token", HTMLInputElement);
  readonly #error = byId("token-error", HTMLElement);
  readonly #forget = byId("forget", HTMLButtonElement);

  /** @param given called with the typed token, or with null to stop using a token */
  constructor(given: (token: string | null) => void) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const token = this.#input.value.trim();
      if (!TOKEN.test(token)) return this.#complain("A token is one word of ASCII characters.");
      this.#input.value = "";
      storage()?.setItem(KEY, token);
      this.hide();
      given(token);
    });
    this.#forget.addEventListener("click", () => {
      storage()?.removeItem(KEY);
      given(null);
    });
    setHidden(this.#forget, this.kept === null);
  }

  /** The stored token; null if there is none. */
  get kept(): string | null {
    return storage()?.getItem(KEY) ?? null;
  }

  /** Asks the user for a token. @param isWrong whether the daemon has refused the previous token */
  ask(isWrong: boolean): void {
    storage()?.removeItem(KEY);
    setHidden(this.#forget, true);
    setHidden(this.#form, false);
    if (isWrong) this.#complain("The daemon refuses this token.");
    else this.#input.focus();
  }

  hide(): void {
    setHidden(this.#form, true);
    setHidden(this.#forget, this.kept === null);
    this.#say("");
  }

  #complain(text: string): void {
    this.#say(text);
    this.#input.focus();
  }

  #say(text: string): void {
    setText(this.#error, text);
    setHidden(this.#error, text === "");
    this.#input.setAttribute("aria-invalid", String(text !== ""));
  }
}
