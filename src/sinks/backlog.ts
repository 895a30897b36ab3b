const LINE_END = 0x0a;
/**
 * The memory of a piece is a multiple of `ROUND_BYTES`, or of `LARGE_BYTES` for a large piece, so that later pieces fit
 * into it too.
 */
const ROUND_BYTES = 32 * 1024;
const LARGE_BYTES = 128 * 1024;
/** Maximum memory kept for later pieces. Allocating and collecting memory for each piece costs more than filling it. */
const MAX_SPARE_BYTES = 768 * 1024;

/** Whole lines that wait to be written, in the pieces that they came in. The first piece may be written in part. */
export class Backlog {
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  /**
   * Memory for later pieces, the last used one at the end. When the backlog becomes empty, only as many of them stay as
   * were used since it was last empty.
   */
  readonly #spares: Uint8Array<ArrayBuffer>[] = [];
  #used = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** The bytes to write next. */
  get first(): Uint8Array | undefined {
    return this.#pieces[0];
  }

  /** Whether a part of a line has been written, and the rest of it waits. */
  get isAmidLine(): boolean {
    return this.partBytes > 0;
  }

  /** Number of bytes that have been written of a partly written line; 0 if there is no such line. */
  get partBytes(): number {
    const { first } = this;
    if (!first) return 0;
    return first.byteOffset - lineStart(first);
  }

  /** Adds a copy of the lines, because the caller reuses its memory. */
  keep(lines: Uint8Array): void {
    this.#bytes += lines.length;
    // Lines share the memory of the last piece, because they may arrive in small pieces for hours. The first piece is
    // left as it is, because a write of it may be running.
    const last = this.#pieces.length > 1 ? this.#pieces.at(-1) : undefined;
    if (last && last.byteOffset + last.length + lines.length <= last.buffer.byteLength) {
      const longer = new Uint8Array(last.buffer, last.byteOffset, last.length + lines.length);
      longer.set(lines, last.length);
      this.#pieces[this.#pieces.length - 1] = longer;
      return;
    }
    const memory = this.memoryFor(lines.length);
    memory.set(lines);
    this.#pieces.push(memory.subarray(0, lines.length));
  }

  /** Adds the first `length` bytes of this memory without a copy. The caller must not use the memory any more. */
  adopt(memory: Uint8Array<ArrayBuffer>, length: number): void {
    this.#bytes += length;
    this.#pieces.push(memory.subarray(0, length));
  }

  /** Like {@link keep}, for lines whose first `written` bytes are written already. */
  keepRest(lines: Uint8Array, written: number): void {
    // The copy includes the written part of a line, so that the whole line can be written again.
    const start = lines.lastIndexOf(LINE_END, written - 1) + 1;
    this.keep(written === 0 ? lines : lines.subarray(start));
    if (written > start) this.written(written - start);
  }

  /** Removes `count` bytes from the first piece, because they are written. */
  written(count: number): void {
    const first = this.#pieces[0];
    if (!first) return;
    this.#bytes -= count;
    if (count < first.length) {
      this.#pieces[0] = first.subarray(count);
      return;
    }
    this.#pieces.shift();
    this.#spare(first);
    if (this.#pieces.length > 0) return;
    // The memory of a burst is released once less is needed.
    this.#spares.splice(0, this.#spares.length - this.#used);
    this.#used = 0;
  }

  /** Joins the first pieces into one piece of at most `maxBytes`. */
  join(maxBytes: number): void {
    const first = this.#pieces[0];
    if (!first || this.#pieces.length === 1 || this.isAmidLine) return;
    let count = 0;
    let bytes = 0;
    for (const piece of this.#pieces) {
      if (bytes + piece.length > maxBytes) break;
      bytes += piece.length;
      count++;
    }
    if (count < 2) return;
    const joined = this.memoryFor(bytes);
    let at = 0;
    for (const piece of this.#pieces.splice(0, count)) {
      joined.set(piece, at);
      at += piece.length;
      this.#spare(piece);
    }
    this.#pieces.unshift(joined.subarray(0, bytes));
  }

  /** Memory for a piece of at least `bytes` bytes: kept memory, else new memory. */
  memoryFor(bytes: number): Uint8Array<ArrayBuffer> {
    this.#used++;
    let best: Uint8Array<ArrayBuffer> | undefined;
    for (const spare of this.#spares) {
      if (spare.length >= bytes && spare.length <= (best?.length ?? spare.length)) best = spare;
    }
    if (best) {
      this.#spares.splice(this.#spares.indexOf(best), 1);
      return best;
    }
    const round = bytes > LARGE_BYTES ? LARGE_BYTES : ROUND_BYTES;
    return new Uint8Array(Math.ceil(bytes / round) * round);
  }

  /** Keeps the memory of a piece, unless much is kept already. */
  #spare({ buffer }: Uint8Array): void {
    let kept = buffer.byteLength;
    for (const { length } of this.#spares) kept += length;
    if (kept > MAX_SPARE_BYTES) return;
    this.#spares.push(new Uint8Array(buffer as ArrayBuffer));
  }

  /** To be called if the written part of a line was cut off and must be written again. @returns its length, bytes */
  rewind(): number {
    const part = this.partBytes;
    const first = this.#pieces[0];
    if (!first || part === 0) return 0;
    this.#pieces[0] = new Uint8Array(first.buffer, first.byteOffset - part, first.length + part);
    this.#bytes += part;
    return part;
  }

  /** Removes the rest of a line that is written in part. @returns what was removed */
  dropLineRest(): Uint8Array | undefined {
    const first = this.#pieces[0];
    if (!first || !this.isAmidLine) return undefined;
    const rest = first.subarray(0, first.indexOf(LINE_END) + 1);
    this.written(rest.length);
    return rest;
  }

  /** Removes the first piece. */
  dropFirst(): Uint8Array | undefined {
    const first = this.#pieces.shift();
    this.#bytes -= first?.length ?? 0;
    return first;
  }
}

/** Offset of the start of the line that `rest` continues, in the memory of `rest`. */
function lineStart(rest: Uint8Array): number {
  return new Uint8Array(rest.buffer, 0, rest.byteOffset).lastIndexOf(LINE_END) + 1;
}
