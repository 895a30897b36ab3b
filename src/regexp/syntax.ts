/**
 * A regular expression over bytes, as a tree. The syntax is that of RE2 without Unicode classes. The parser refuses
 * constructs that need backtracking (references to groups, looking ahead and behind). A character outside ASCII stands
 * for its UTF-8 bytes. `.`, `[^…]`, `\D`, `\S` and `\W` match a single byte of such a character. Letter case and `\w`
 * apply only to ASCII.
 */
export type RegexpNode =
  | { kind: "empty" }
  /** 256 flags: the bytes that match. */
  | { kind: "set"; bytes: Uint8Array }
  | { kind: "assert"; what: Assertion }
  | { kind: "sequence"; items: RegexpNode[] }
  | { kind: "choice"; items: RegexpNode[] }
  | { kind: "repeat"; item: RegexpNode; min: number; max: number; greedy: boolean }
  /** `index` counts from 1. */
  | { kind: "group"; item: RegexpNode; index: number };

/** A condition on the position between two bytes. */
export type Assertion = "start" | "end" | "word boundary" | "no word boundary";

export interface Regexp {
  root: RegexpNode;
  /** Number of groups that capture. */
  groups: number;
}

/** The reason why a text cannot be used as a regular expression. `message` is a clause. */
export class RegexpRefusal extends Error {}

const MAX_DEPTH = 50;
const MAX_REPEAT = 1000;
const MAX_GROUPS = 16;

const isDigit = (code: number) => code >= 0x30 && code <= 0x39;
export const isWordByte = (code: number) =>
  isDigit(code) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === 0x5f;
const isSpace = (code: number) => code === 0x20 || (code >= 0x09 && code <= 0x0d);
const CLASSES: { [letter: string]: (code: number) => boolean } = { d: isDigit, w: isWordByte, s: isSpace };
const CONTROLS: { [letter: string]: number } = { t: 9, n: 10, v: 11, f: 12, r: 13, a: 7 };

/** @throws RegexpRefusal */
export function parseRegexp(text: string): Regexp {
  return new Parser(text).parse();
}

class Parser {
  readonly #text: string[];
  #at = 0;
  #depth = 0;
  #groups = 0;
  #ignoreCase = false;

  constructor(text: string) {
    this.#text = [...text];
  }

  parse(): Regexp {
    const root = this.#choice();
    if (this.#at < this.#text.length) throw new RegexpRefusal("a ) without its (");
    return { root, groups: this.#groups };
  }

  #choice(): RegexpNode {
    if (++this.#depth > MAX_DEPTH) throw new RegexpRefusal(`has groups more than ${MAX_DEPTH} deep`);
    // Flags apply until the end of their group.
    const ignoreCase = this.#ignoreCase;
    const items = [this.#sequence()];
    while (this.#take("|")) items.push(this.#sequence());
    this.#ignoreCase = ignoreCase;
    this.#depth--;
    return items.length === 1 ? (items[0] as RegexpNode) : { kind: "choice", items };
  }

  #sequence(): RegexpNode {
    const items: RegexpNode[] = [];
    for (let next = this.#peek(); next !== undefined && next !== "|" && next !== ")"; next = this.#peek()) {
      items.push(this.#repeated(this.#atom()));
    }
    return items.length === 0 ? { kind: "empty" } : items.length === 1 ? (items[0] as RegexpNode) : sequence(items);
  }

  #repeated(item: RegexpNode): RegexpNode {
    const bounds = this.#bounds();
    if (bounds === null) return item;
    if (item.kind === "assert") throw new RegexpRefusal("an assertion such as ^ or \\b cannot be repeated");
    const greedy = !this.#take("?");
    if (this.#bounds() !== null) throw new RegexpRefusal("two repetitions in a row");
    return { kind: "repeat", item, ...bounds, greedy };
  }

  #bounds(): { min: number; max: number } | null {
    if (this.#take("*")) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#take("+")) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#take("?")) return { min: 0, max: 1 };
    const [all, from, comma, to] = /^\{(\d{1,5})(,?)(\d{0,5})\}/.exec(this.#rest(16)) ?? [];
    if (all === undefined || (comma === "" && to !== "")) return null;
    this.#at += all.length;
    const min = Number(from);
    const max = comma === "" ? min : to === "" ? Number.POSITIVE_INFINITY : Number(to);
    if (max < min) throw new RegexpRefusal(`${all} ends before it begins`);
    if (min > MAX_REPEAT || (max !== Number.POSITIVE_INFINITY && max > MAX_REPEAT)) {
      throw new RegexpRefusal(`${all} is more than ${MAX_REPEAT} times`);
    }
    return { min, max };
  }

  #atom(): RegexpNode {
    const letter = this.#text[this.#at++] as string;
    if (letter === "(") return this.#group();
    if (letter === "[") return this.#set();
    if (letter === ".") return setOf(() => true);
    if (letter === "^") return { kind: "assert", what: "start" };
    if (letter === "$") return { kind: "assert", what: "end" };
    if (letter === "*" || letter === "+" || letter === "?") throw new RegexpRefusal(`nothing stands before ${letter}`);
    if (letter === "\\") return this.#escape();
    return this.#literal(letter);
  }

  #group(): RegexpNode {
    const [prefix] = /^\?(?:P?<[A-Za-z_]\w*>|-?i?:|-?i\))/.exec(this.#rest(64)) ?? [];
    if (prefix === undefined && this.#peek() === "?") {
      const why = /^\?<?[=!]/.test(this.#rest(3))
        ? "looking ahead or behind is not supported"
        : "an unknown kind of group";
      throw new RegexpRefusal(why);
    }
    this.#at += prefix?.length ?? 0;
    const before = this.#ignoreCase;
    if (prefix?.includes("i")) {
      if (/^\?-?i[:)]$/.test(prefix)) this.#ignoreCase = !prefix.includes("-");
    }
    // `(?i)` is a switch, not a group: it applies until the enclosing group ends.
    if (prefix?.endsWith(")")) return { kind: "empty" };
    const captures = prefix === undefined || prefix.endsWith(">");
    const index = captures ? ++this.#groups : 0;
    if (this.#groups > MAX_GROUPS) throw new RegexpRefusal(`has more than ${MAX_GROUPS} groups`);
    const item = this.#choice();
    if (!this.#take(")")) throw new RegexpRefusal("a ( without its )");
    this.#ignoreCase = before;
    return captures ? { kind: "group", item, index } : item;
  }

  #escape(): RegexpNode {
    const letter = this.#text[this.#at++];
    if (letter === undefined) throw new RegexpRefusal("ends in a backslash");
    if (letter === "b") return { kind: "assert", what: "word boundary" };
    if (letter === "B") return { kind: "assert", what: "no word boundary" };
    if (letter === "A") return { kind: "assert", what: "start" };
    if (letter === "z") return { kind: "assert", what: "end" };
    const named = namedClass(letter);
    if (named) return setOf(named);
    return this.#literal(this.#escaped(letter));
  }

  /** The character that an escape means. `letter` is the character after the backslash. */
  #escaped(letter: string): string {
    const control = CONTROLS[letter];
    if (control !== undefined) return String.fromCharCode(control);
    if (letter === "x") {
      const [all, digits, braced] = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(this.#rest(8)) ?? [];
      const code = Number.parseInt(digits ?? braced ?? "", 16);
      if (all === undefined || code > 0x10ffff) throw new RegexpRefusal("\\x without two hexadecimal digits");
      this.#at += all.length;
      return String.fromCodePoint(code);
    }
    if (/[1-9]/.test(letter)) throw new RegexpRefusal(`\\${letter} refers to a group, which is not supported`);
    if (/[A-Za-z0]/.test(letter)) throw new RegexpRefusal(`the unknown escape \\${letter}`);
    return letter;
  }

  #literal(letter: string): RegexpNode {
    const bytes = [...new TextEncoder().encode(letter)];
    const ignoreCase = this.#ignoreCase;
    const items = bytes.map((byte) => setOf((code) => code === byte || (ignoreCase && otherCase(code) === byte)));
    return items.length === 1 ? (items[0] as RegexpNode) : sequence(items);
  }

  /** Parses `[…]` after its opening bracket. */
  #set(): RegexpNode {
    const negated = this.#take("^");
    const bytes = new Uint8Array(256);
    for (let first = true; first || this.#peek() !== "]"; first = false) {
      const low = this.#member();
      if (typeof low !== "number") {
        for (let code = 0; code < 256; code++) if (low(code)) bytes[code] = 1;
        continue;
      }
      let high = low;
      if (this.#peek() === "-" && this.#text[this.#at + 1] !== "]" && this.#at + 1 < this.#text.length) {
        this.#at++;
        const end = this.#member();
        if (typeof end !== "number" || end < low) throw new RegexpRefusal("a range in [] that ends before it begins");
        high = end;
      }
      bytes.fill(1, low, high + 1);
    }
    this.#at++;
    const ignoreCase = this.#ignoreCase;
    return setOf((code) => (bytes[code] === 1 || (ignoreCase && bytes[otherCase(code)] === 1)) !== negated);
  }

  #member(): number | ((code: number) => boolean) {
    const letter = this.#text[this.#at++];
    if (letter === undefined) throw new RegexpRefusal("a [ without its ]");
    const [posix, name] = letter === "[" ? (/^:([a-z]+):\]/.exec(this.#rest(12)) ?? []) : [];
    if (posix !== undefined) {
      throw new RegexpRefusal(`[:${name}:] is not supported; write the characters, or \\d, \\s, \\w`);
    }
    let character = letter;
    if (letter === "\\") {
      const escaped = this.#text[this.#at++];
      if (escaped === undefined) throw new RegexpRefusal("ends in a backslash");
      const named = namedClass(escaped);
      if (named) return named;
      character = escaped === "b" ? "\b" : this.#escaped(escaped);
    }
    const code = character.codePointAt(0) as number;
    if (code > 0x7f) throw new RegexpRefusal(`${character} in []: only ASCII can stand there; write (?:a|b)`);
    return code;
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  #rest(length: number): string {
    return this.#text.slice(this.#at, this.#at + length).join("");
  }

  #take(letter: string): boolean {
    if (this.#text[this.#at] !== letter) return false;
    this.#at++;
    return true;
  }
}

function sequence(items: RegexpNode[]): RegexpNode {
  return { kind: "sequence", items };
}

function setOf(has: (code: number) => boolean): RegexpNode {
  return { kind: "set", bytes: Uint8Array.from({ length: 256 }, (_, code) => (has(code) ? 1 : 0)) };
}

function namedClass(letter: string): ((code: number) => boolean) | undefined {
  const named = CLASSES[letter.toLowerCase()];
  if (!named || !/[dswDSW]/.test(letter)) return undefined;
  return letter === letter.toLowerCase() ? named : (code) => !named(code);
}

function otherCase(code: number): number {
  const isLetter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return isLetter ? code ^ 0x20 : code;
}
