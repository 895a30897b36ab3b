/** Lines (from 1) by path of keys; array elements are part of a path as their index. */
export class KeyLines {
  readonly #lines = new Map<string, number>();

  /** If a path is named several times, its first place counts. */
  add(path: readonly string[], line: number): void {
    const id = JSON.stringify(path);
    if (!this.#lines.has(id)) {
      this.#lines.set(id, line);
    }
  }

  /** Line of the path itself; null if it is not named. */
  at(path: readonly string[]): number | null {
    return this.#lines.get(JSON.stringify(path)) ?? null;
  }

  /** Line of the path, or of the longest beginning of it that is named; null if none is named. */
  find(path: readonly PropertyKey[]): number | null {
    for (let length = path.length; length > 0; length--) {
      const line = this.#lines.get(JSON.stringify(path.slice(0, length).map(String)));
      if (line !== undefined) {
        return line;
      }
    }
    return null;
  }
}

/** Deeper than any setting. The limit keeps the stack small, whatever a hostile file contains. */
const MAX_DEPTH = 32;

/**
 * Finds the lines of the keys of a TOML document. The parser does not return them.
 * @param text a document that the parser has accepted: this function does not check it again
 */
export function locateKeys(text: string): KeyLines {
  return scan(text).lines;
}

/** A key or table that a document names a second time. */
export interface RepeatedKey {
  path: readonly string[];
  isTable: boolean;
  /** Line of its first place; null if that is in the same statement. */
  line: number | null;
}

/**
 * The repeated key at the end of a text.
 * @param text the document up to where the parser has refused that key
 */
export function repeatedKey(text: string): RepeatedKey {
  const { lines, latest } = scan(text);
  const { path, table, isTable, line: begun } = latest;
  // In `size.x = 2` the repeated key is `size`, if that has a value already.
  for (let length = Math.min(path.length, MAX_DEPTH); length > table.length; length--) {
    const line = lines.at(path.slice(0, length));
    if (line !== null && line < begun) return { path: path.slice(0, length), isTable, line };
  }
  return { path, isTable, line: null };
}

function scan(text: string): Scanner {
  const scanner = new Scanner(text);
  try {
    scanner.document();
  } catch (error) {
    if (!(error instanceof TooDeep)) {
      throw error;
    }
  }
  return scanner;
}

class TooDeep extends Error {}

/** The key or table that the scanner has read last. */
interface Latest {
  path: readonly string[];
  /** The table that contains it. */
  table: readonly string[];
  isTable: boolean;
  /** First line of its statement. */
  line: number;
}

class Scanner {
  readonly lines = new KeyLines();
  latest: Latest = { path: [], table: [], isTable: false, line: 1 };
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    let table: string[] = [];
    let before = -1;
    // The second condition ends the loop if the scanner makes no progress, which valid TOML never causes.
    for (this.#skipBlank(); this.#at < this.#text.length && this.#at > before; this.#skipBlank()) {
      before = this.#at;
      const line = this.#line;
      this.latest = { path: table, table, isTable: false, line };
      if (this.#peek() !== "[") {
        this.#pair(table, 0);
        continue;
      }
      this.#skipWhile(/[[ \t]/);
      // Deeper paths are not stored, but each key below this table would copy the whole path.
      table = this.#key().slice(0, MAX_DEPTH);
      this.latest = { path: table, table: [], isTable: true, line };
      this.#addPrefixes([], table, line);
      this.#skipWhile(/[\] \t]/);
    }
  }

  /** `key = value`, up to the end of the value. */
  #pair(table: readonly string[], depth: number): void {
    const line = this.#line;
    const key = this.#key();
    const path = [...table, ...key];
    this.#addPrefixes(table, key, line);
    this.latest.path = path;
    this.#skipWhile(/[= \t]/);
    this.#value(path, depth);
  }

  #addPrefixes(table: readonly string[], key: readonly string[], line: number): void {
    // An error in a deeper key is reported at the line of a beginning of its path.
    for (let length = 1; length <= key.length && table.length + length <= MAX_DEPTH; length++) {
      this.lines.add([...table, ...key.slice(0, length)], line);
    }
  }

  /** Reads a dotted key, and stops before `=` or `]`. */
  #key(): string[] {
    const parts: string[] = [];
    do {
      this.#skipWhile(/[. \t]/);
      const quote = this.#peek();
      const start = this.#at;
      if (quote === '"' || quote === "'") {
        this.#string(quote);
        const inner = this.#text.slice(start + 1, this.#at - 1);
        parts.push(quote === '"' ? unescapeKey(inner) : inner);
      } else {
        this.#skipWhile(/[A-Za-z0-9_-]/);
        parts.push(this.#text.slice(start, this.#at));
      }
      this.#skipWhile(/[ \t]/);
    } while (this.#peek() === ".");
    return parts;
  }

  #value(path: readonly string[], depth: number): void {
    if (depth > MAX_DEPTH) {
      throw new TooDeep();
    }
    const first = this.#peek();
    if (first === '"' || first === "'") {
      const triple = first.repeat(3);
      this.#string(this.#text.startsWith(triple, this.#at) ? triple : first);
    } else if (first === "[") {
      this.#at++;
      for (let index = 0; this.#more("]"); index++) {
        this.lines.add([...path, String(index)], this.#line);
        this.#value([...path, String(index)], depth + 1);
      }
    } else if (first === "{") {
      this.#at++;
      while (this.#more("}")) {
        this.#pair(path, depth + 1);
      }
    } else {
      this.#skipWhile(/[^,\]}#\r\n]/);
    }
  }

  /** Moves to the next element of an array or inline table, or past its end. */
  #more(end: string): boolean {
    this.#skipBlank();
    while (this.#peek() === ",") {
      this.#at++;
      this.#skipBlank();
    }
    if (this.#at < this.#text.length && this.#peek() !== end) {
      return true;
    }
    this.#at++;
    return false;
  }

  /** Moves past a string that begins here with `quote`: one or three `"` or `'`. */
  #string(quote: string): void {
    this.#at += quote.length;
    while (this.#at < this.#text.length && !this.#text.startsWith(quote, this.#at)) {
      if (this.#peek() === "\\" && quote.startsWith('"')) {
        this.#step();
      }
      this.#step();
    }
    this.#at += quote.length;
    // A string in three quotes may end with one or two more quotes, which are part of it.
    for (let own = 0; quote.length === 3 && own < 2 && this.#peek() === quote[0]; own++) {
      this.#at++;
    }
  }

  #skipBlank(): void {
    for (;;) {
      this.#skipWhile(/[ \t\r\n]/);
      if (this.#peek() !== "#") {
        return;
      }
      this.#skipWhile(/[^\n]/);
    }
  }

  #skipWhile(these: RegExp): void {
    while (this.#at < this.#text.length && these.test(this.#peek())) {
      this.#step();
    }
  }

  #step(): void {
    if (this.#peek() === "\n") {
      this.#line++;
    }
    this.#at++;
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }
}

/** A key in double quotes without its escapes, as the parser returns it. */
function unescapeKey(text: string): string {
  const escapes: Record<string, string> = { b: "\b", t: "\t", n: "\n", f: "\f", r: "\r" };
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))/g, (_, short, long, letter) =>
    letter === undefined ? String.fromCodePoint(Number.parseInt(short ?? long, 16)) : (escapes[letter] ?? letter),
  );
}
