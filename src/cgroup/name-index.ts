/** Names by id, from `name:password:id:…` lines: passwd(5), group(5). */

const NEWLINE = 0x0a;
const COLON = 0x3a;
const DIGIT_0 = 0x30;
const MAX_ID = 2 ** 32 - 2;
const MAX_ID_DIGITS = 10;
/** Longer than the names of any tool (useradd(8): 32) or directory service. A line with a longer name is skipped. */
const MAX_NAME_BYTES = 1024;
/** First bytes of lines without a name: `+` and `-` belong to NIS, `#` starts a comment. */
const NO_NAME = [0x2b, 0x2d, 0x23];

const NAME_FIELD = 0;
const ID_FIELD = 2;

/**
 * Reads lines in pieces that may end anywhere. It stores the id and the bytes of the name of each line.
 * JavaScript strings would take ten times the memory. Directory services make files of some megabytes.
 */
export class NameIndex {
  #ids = new Uint32Array(64);
  /** The end of each name, which is the start of the next one. */
  #ends = new Uint32Array(64);
  #count = 0;
  #names = Buffer.from(new ArrayBuffer(1024));
  #nameStart = 0;
  #nameEnd = 0;
  // Position within the current line.
  #field = NAME_FIELD;
  #id = 0;
  #digits = 0;
  #isVoid = false;

  /** Reads the next bytes of the file. */
  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at++) {
      // Skips the rest of a line that is complete or invalid.
      if (this.#field > ID_FIELD || this.#isVoid) {
        at = bytes.indexOf(NEWLINE, at);
        if (at < 0) return;
      }
      const byte = bytes[at] as number;
      if (byte === NEWLINE) this.#endLine();
      else if (byte === COLON) this.#field++;
      else if (this.#field === NAME_FIELD) this.#takeName(byte);
      else if (this.#field === ID_FIELD) this.#takeId(byte);
    }
  }

  /** To be called at the end of the file. Ends the last line, which may lack a newline, and frees unused memory. */
  end(): void {
    this.#endLine();
    this.#resize(this.#count);
    this.#resizeNames(this.#nameStart);
  }

  /** The name in the first line with that id, as in the C library; null if no line has the id. */
  nameOf(id: number): string | null {
    const at = this.#ids.indexOf(id);
    if (at < 0 || at >= this.#count) return null;
    return this.#names.toString("utf8", at === 0 ? 0 : this.#ends[at - 1], this.#ends[at]);
  }

  #takeName(byte: number): void {
    const length = this.#nameEnd - this.#nameStart;
    if (length === MAX_NAME_BYTES || (length === 0 && NO_NAME.includes(byte))) {
      this.#isVoid = true;
      return;
    }
    if (this.#nameEnd === this.#names.length) this.#resizeNames(2 * this.#names.length);
    this.#names[this.#nameEnd++] = byte;
  }

  #takeId(byte: number): void {
    const digit = byte - DIGIT_0;
    this.#digits++;
    this.#id = 10 * this.#id + digit;
    if (digit < 0 || digit > 9 || this.#digits > MAX_ID_DIGITS) this.#isVoid = true;
  }

  #endLine(): void {
    const hasName = this.#nameEnd > this.#nameStart;
    if (hasName && this.#digits > 0 && !this.#isVoid && this.#id <= MAX_ID) this.#keep();
    this.#nameEnd = this.#nameStart;
    this.#field = NAME_FIELD;
    this.#id = 0;
    this.#digits = 0;
    this.#isVoid = false;
  }

  #keep(): void {
    if (this.#count === this.#ids.length) this.#resize(2 * this.#count);
    this.#ids[this.#count] = this.#id;
    this.#ends[this.#count++] = this.#nameEnd;
    this.#nameStart = this.#nameEnd;
  }

  // transfer() frees the old buffer immediately.
  #resize(count: number): void {
    this.#ids = new Uint32Array(this.#ids.buffer.transfer(4 * count));
    this.#ends = new Uint32Array(this.#ends.buffer.transfer(4 * count));
  }

  #resizeNames(bytes: number): void {
    this.#names = Buffer.from(this.#names.buffer.transfer(bytes));
  }
}
