/** The kind of a line, which determines its colour. */
export type LineTone = "plain" | "strong" | "faint" | "bad" | "heading" | "selected";

export interface Line {
  /** Safe for a terminal and not wider than it. */
  text: string;
  tone?: LineTone;
}

export interface Size {
  rows: number;
  columns: number;
}

const SGR: Record<LineTone, string> = {
  plain: "",
  strong: "\x1b[1m",
  faint: "\x1b[2m",
  bad: "\x1b[31m",
  heading: "\x1b[7m",
  selected: "\x1b[1;7m",
};

/** Writes as many bytes as the terminal accepts now. @returns how many */
export type WriteSome = (bytes: Uint8Array) => number;

/** Draws lines on the terminal. It writes only lines that have changed. */
export class Screen {
  readonly #write: WriteSome;
  readonly #hasColor: boolean;
  #shown: string[] = [];
  /** Bytes that the terminal has not accepted yet. They are written first, because they may begin inside a sequence. */
  #unwritten: Uint8Array = new Uint8Array(0);

  constructor(write: WriteSome, hasColor: boolean) {
    this.#write = write;
    this.#hasColor = hasColor;
  }

  /** Whether the terminal has not accepted all bytes of the last drawing. */
  get isBehind(): boolean {
    return this.#unwritten.length > 0;
  }

  /** Called if the terminal shows something else or has another size. The next `draw` writes all lines. */
  forget(): void {
    this.#shown = [];
  }

  /** Drops the bytes that the terminal has not accepted, and lets the next `draw` write all lines. */
  drop(): void {
    this.#unwritten = new Uint8Array(0);
    this.forget();
  }

  /** Shows these lines. Does nothing while the terminal has not accepted all bytes of the last drawing. */
  draw(lines: readonly Line[], { rows }: Size): void {
    if (!this.#flush()) return;
    const isWhole = this.#shown.length !== rows;
    let out = "";
    for (let row = 0; row < rows; row++) {
      const wanted = this.#painted(lines[row]);
      if (!isWhole && this.#shown[row] === wanted) continue;
      this.#shown[row] = wanted;
      // The line is erased first. After text up to the last column, the cursor is on the last character and would erase
      // it.
      out += `\x1b[${row + 1};1H\x1b[K${wanted}`;
    }
    this.#shown.length = rows;
    if (out === "") return;
    this.#unwritten = new TextEncoder().encode(out);
    this.#flush();
  }

  #painted(line: Line | undefined): string {
    if (line === undefined || line.text === "") return "";
    const sgr = this.#hasColor ? SGR[line.tone ?? "plain"] : "";
    return sgr === "" ? line.text : `${sgr}${line.text}\x1b[0m`;
  }

  #flush(): boolean {
    while (this.#unwritten.length > 0) {
      const written = this.#write(this.#unwritten);
      if (written === 0) return false;
      this.#unwritten = this.#unwritten.subarray(written);
    }
    return true;
  }
}
