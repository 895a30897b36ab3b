import { ByteRegexp } from "../regexp/byte-regexp.ts";

/** The text that replaces hidden text. */
export const REDACTED = "[redacted]";

const MARK = new TextEncoder().encode(REDACTED);
const NUL = 0;
const SPACE = 0x20;
/** Whether `\s` matches the byte, and so whether the byte ends a match of `\S+`. */
const isSpace = (byte: number) => byte === SPACE || (byte >= 0x09 && byte <= 0x0d);
const SHOWN = 0;
const HIDDEN = 1;
const HIDDEN_TO_END = 2;
/**
 * Steps that patterns may take per byte of arguments. Ordinary patterns take a few. If they take more, all is hidden.
 */
const STEPS_PER_BYTE = 64;
const STEPS_AT_LEAST = 20_000;

/** What to hide; see `src/config/sections/redaction.ts`. */
export interface Redaction {
  redact: boolean;
  /** Regular expressions. If there are none, only the first argument is shown, and only up to the first space in it. */
  patterns: readonly string[];
}

/**
 * Rewrites arguments in the format of the kernel: each argument ends with a NUL, except perhaps the last one.
 * @param cut whether the arguments were truncated. If so, a last argument without a NUL is incomplete
 * @returns the same number of arguments, in memory that is invalid after the next call
 */
export type Redact = (args: Uint8Array, cut: boolean) => Uint8Array;

/**
 * Returns a function that rewrites arguments before linnix keeps them.
 *
 * Patterns see the arguments joined by single spaces, as they were typed. If a pattern has groups, the text that these
 * match is hidden, else the whole match. If the hidden text ends at a space within an argument, that argument is hidden
 * to its end, because the space is part of a value: `--password`, `my secret`. An incomplete argument is hidden
 * completely, because a pattern may not match a part of a secret. Arguments that take too many steps are hidden as
 * without patterns. So no process can slow this down or evade it.
 *
 * @returns undefined if nothing is hidden
 */
export function redactorOf({ redact, patterns }: Redaction): Redact | undefined {
  if (!redact) return undefined;
  const redactor = new Redactor(patterns.map((pattern) => new ByteRegexp(pattern)));
  return (args, cut) => redactor.redact(args, cut);
}

class Redactor {
  readonly #patterns: readonly ByteRegexp[];
  /** Buffers that each call uses again: the arguments as the patterns see them, a mark per hidden byte, the result. */
  #text: Uint8Array = new Uint8Array(1024);
  #hidden: Uint8Array = new Uint8Array(1024);
  #result: Uint8Array = new Uint8Array(1024);
  #length = 0;

  constructor(patterns: readonly ByteRegexp[]) {
    this.#patterns = patterns;
  }

  redact(args: Uint8Array, cut: boolean): Uint8Array {
    if (this.#patterns.length === 0 || !this.#mark(args)) return this.#hideAll(args);
    if (cut) this.#hidden.fill(1, args.lastIndexOf(NUL) + 1, args.length);
    return this.#hideMarked(args);
  }

  /**
   * Marks the bytes to hide.
   * @returns false if the patterns took too many steps
   */
  #mark(args: Uint8Array): boolean {
    this.#text = withRoom(this.#text, args.length);
    this.#hidden = withRoom(this.#hidden, args.length);
    this.#hidden.fill(0, 0, args.length);
    for (let i = 0; i < args.length; i++) this.#text[i] = args[i] === NUL ? SPACE : (args[i] as number);
    const length = args[args.length - 1] === NUL ? args.length - 1 : args.length;
    let steps = STEPS_AT_LEAST + STEPS_PER_BYTE * length;
    for (const pattern of this.#patterns) {
      steps = pattern.findAll(this.#text, length, steps, (places) => {
        for (let slot = pattern.groups > 0 ? 2 : 0; slot < places.length; slot += 2) {
          const start = places[slot] as number;
          if (start >= 0) this.#hidden.fill(1, start, places[slot + 1]);
        }
        // The search continues at the last word of the match, which may be another option: `--use-token --secret x`.
        const [start = 0, end = 0] = places;
        const last = end > start ? args.lastIndexOf(NUL, end - 1) + 1 : start;
        return last > start ? last : undefined;
      });
      if (steps < 0) return false;
    }
    return true;
  }

  #hideMarked(args: Uint8Array): Uint8Array {
    const hidden = this.#hidden;
    const first = hidden.indexOf(1);
    if (first < 0 || first >= args.length) return args;
    this.#length = 0;
    let state = SHOWN;
    for (let i = 0; i < args.length; i++) {
      const byte = args[i] as number;
      // Each argument gets its own `REDACTED`, even if a match covers several arguments.
      if (byte === NUL) state = SHOWN;
      else if (hidden[i] === 1 && state === SHOWN) {
        state = HIDDEN;
        this.#put(MARK);
      } else if (hidden[i] === 0 && state === HIDDEN) {
        state = isSpace(byte) ? HIDDEN_TO_END : SHOWN;
      }
      if (state === SHOWN) this.#putByte(byte);
    }
    return this.#result.subarray(0, this.#length);
  }

  #hideAll(args: Uint8Array): Uint8Array {
    this.#length = 0;
    let shown = 0;
    while (shown < args.length && args[shown] !== NUL && !isSpace(args[shown] as number)) shown++;
    for (let i = 0; i < shown; i++) this.#putByte(args[i] as number);
    // A program that sets its own title may put all its arguments into the first one, separated by spaces.
    if (shown < args.length) this.#putByte(args[shown] as number);
    for (let from = shown + 1; from < args.length; ) {
      const nul = args.indexOf(NUL, from);
      const end = nul < 0 ? args.length : nul;
      // An empty argument needs no hiding.
      if (end > from) this.#put(MARK);
      if (nul >= 0) this.#putByte(NUL);
      from = end + 1;
    }
    return this.#result.subarray(0, this.#length);
  }

  #put(bytes: Uint8Array): void {
    this.#result = withRoom(this.#result, this.#length + bytes.length);
    this.#result.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #putByte(byte: number): void {
    if (this.#length === this.#result.length) this.#result = withRoom(this.#result, this.#length + 1);
    this.#result[this.#length++] = byte;
  }
}

/** The same bytes in an array that has room for `length`. */
function withRoom(bytes: Uint8Array, length: number): Uint8Array {
  if (length <= bytes.length) return bytes;
  const larger = new Uint8Array(Math.max(length, 2 * bytes.length));
  larger.set(bytes);
  return larger;
}
