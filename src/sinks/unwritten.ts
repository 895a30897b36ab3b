/** Lines that the output did not take, by type for JSON Lines. */
export interface Unwritten {
  lines: number;
  bytes: number;
  by_type: { [type: string]: number };
}

const LINE_END = 0x0a;
const TYPE_AT = '{"type":"'.length;
/** Longer than the name of any type. */
const MAX_TYPE = 32;

/** @returns the type of the JSON line at `at`, `other` for a line of another format */
function typeAt(bytes: Buffer, at: number): string {
  const text = bytes.toString("latin1", at, Math.min(at + TYPE_AT + MAX_TYPE, bytes.length));
  return /^\{"type":"(\w+)"/.exec(text)?.[1] ?? "other";
}

/** Counts lines that are not written. */
export class UnwrittenCount {
  #lines = 0;
  #bytes = 0;
  readonly #byType = new Map<string, number>();

  get lines(): number {
    return this.#lines;
  }

  /** Adds lines; the first may be the rest of a line, and counts as one. */
  add(lines: Uint8Array): void {
    const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.length);
    this.#bytes += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      const type = typeAt(bytes, at);
      this.#lines++;
      this.#byType.set(type, (this.#byType.get(type) ?? 0) + 1);
      const end = bytes.indexOf(LINE_END, at);
      at = end < 0 ? bytes.length : end + 1;
    }
  }

  /** The counts so far. */
  get counts(): Unwritten {
    return { lines: this.#lines, bytes: this.#bytes, by_type: Object.fromEntries(this.#byType) };
  }
}
