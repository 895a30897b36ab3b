/** Types that are counted separately. All other lines count as `other`, as do all lines of a format without types. */
export const UNWRITTEN_TYPES = ["fork", "exec", "exit", "sample", "page_fault", "other"] as const;

export type UnwrittenByType = Record<(typeof UNWRITTEN_TYPES)[number], number>;

/** Lines that the output did not accept. */
export interface Unwritten {
  lines: number;
  bytes: number;
  by_type: UnwrittenByType;
}

const LINE_END = 0x0a;
const TYPE_AT = '{"type":"'.length;
/** Longer than the name of any type. */
const MAX_TYPE = 32;

const TYPES = new Set<string>(UNWRITTEN_TYPES);

function isType(text: string | undefined): text is keyof UnwrittenByType {
  return text !== undefined && TYPES.has(text);
}

function typeAt(bytes: Buffer, at: number): keyof UnwrittenByType {
  const text = bytes.toString("latin1", at, Math.min(at + TYPE_AT + MAX_TYPE, bytes.length));
  const type = /^\{"type":"(\w+)"/.exec(text)?.[1];
  return isType(type) ? type : "other";
}

/** Counts lines that are not written. */
export class UnwrittenCount {
  #lines = 0;
  #bytes = 0;
  readonly #byType: UnwrittenByType = { fork: 0, exec: 0, exit: 0, sample: 0, page_fault: 0, other: 0 };

  get lines(): number {
    return this.#lines;
  }

  /** Counts lines. The first may be only the rest of a line, which counts as one line. */
  add(lines: Uint8Array): void {
    const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.length);
    this.#bytes += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      this.#lines++;
      this.#byType[typeAt(bytes, at)]++;
      const end = bytes.indexOf(LINE_END, at);
      at = end < 0 ? bytes.length : end + 1;
    }
  }

  /** The counts so far. */
  get counts(): Unwritten {
    return { lines: this.#lines, bytes: this.#bytes, by_type: { ...this.#byType } };
  }
}
