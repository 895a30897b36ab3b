/** A key by its name, or the character that it types. */
export type Key = string;

const ESC = 0x1b;
/** The byte after ESC that begins a control sequence, a key of the application mode, or a string of the terminal. */
const BEGINS_SEQUENCE = /[[O\]P_^X]/;
/** Maximum length of a control sequence, bytes. No terminal sends a longer one for a key. */
const MAX_SEQUENCE = 64;

/** Control sequences by their final byte, or by the number before `~`. */
const BY_FINAL: { readonly [final: string]: Key } = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  F: "end",
  H: "home",
  M: "enter",
  Z: "backtab",
};
const BY_NUMBER: { readonly [number: string]: Key } = {
  1: "home",
  3: "delete",
  4: "end",
  5: "pageup",
  6: "pagedown",
  7: "home",
  8: "end",
};
const BY_CONTROL: { readonly [code: number]: Key } = {
  8: "backspace",
  9: "tab",
  10: "enter",
  12: "ctrl-l",
  13: "enter",
  21: "ctrl-u",
  127: "backspace",
};

/**
 * Parses keys from the bytes that a terminal sends. A sequence or character may be split over several reads. Sequences
 * that are not keys, such as the terminal's answer to a query, are dropped.
 */
export class KeyParser {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #pending: number[] = [];

  /** Whether a sequence is incomplete. A single ESC is a key of its own if no bytes follow soon. */
  get waits(): boolean {
    return this.#pending.length > 0;
  }

  push(bytes: Uint8Array): Key[] {
    const keys: Key[] = [];
    for (const byte of bytes) this.#take(byte, keys);
    return keys;
  }

  /** To be called if no bytes have followed for a while: drops the sequence. @returns `escape` after a single ESC */
  flush(): Key[] {
    const isEscape = this.#pending.length === 1;
    this.#pending = [];
    return isEscape ? ["escape"] : [];
  }

  #take(byte: number, keys: Key[]): void {
    const pending = this.#pending;
    if (pending.length > 0 && byte === ESC && !isString(pending)) {
      if (pending.length === 1) keys.push("escape");
      this.#pending = [ESC];
    } else if (pending.length === 1 && !BEGINS_SEQUENCE.test(String.fromCharCode(byte))) {
      // linnix has no keys with Alt, so these are two keys in quick succession.
      this.#pending = [];
      keys.push("escape");
      this.#take(byte, keys);
    } else if (pending.length > 0) {
      pending.push(byte);
      if (isWhole(pending)) this.#end(keys);
    } else if (byte === ESC) {
      pending.push(byte);
    } else if (byte < 0x20 || byte === 0x7f) {
      const key = BY_CONTROL[byte];
      if (key !== undefined) keys.push(key);
    } else {
      const text = this.#decoder.decode(Uint8Array.of(byte), { stream: true });
      if (text !== "") keys.push(...text);
    }
  }

  #end(keys: Key[]): void {
    const [, kind] = this.#pending;
    const text = String.fromCharCode(...this.#pending.slice(2));
    this.#pending = [];
    const isSequence = kind === 0x5b || kind === 0x4f;
    const [, number, final = ""] = (isSequence && /^([0-9]*)[0-9;]*([A-Z~])$/.exec(text)) || [];
    const key = final === "~" ? BY_NUMBER[number ?? ""] : BY_FINAL[final];
    if (key !== undefined) keys.push(key);
  }
}

/** Whether the bytes begin a string of the terminal (OSC, DCS, APC, PM, SOS), which ends with BEL or ESC \. */
function isString([, kind]: readonly number[]): boolean {
  return kind !== undefined && "]P_^X".includes(String.fromCharCode(kind));
}

function isWhole(pending: readonly number[]): boolean {
  const last = pending.at(-1) as number;
  if (isString(pending)) {
    const isEnded = last === 0x07 || (last === 0x5c && pending.at(-2) === ESC);
    return (isEnded && pending.length > 2) || pending.length > MAX_SEQUENCE * 16;
  }
  return pending.length > 2 && ((last >= 0x40 && last <= 0x7e) || pending.length > MAX_SEQUENCE);
}
