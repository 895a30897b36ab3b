import { MAX_EXACT_HIGH, split, splitNs } from "./wall-clock.ts";

const encoder = new TextEncoder();

/** The text encoded as UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** The control characters that JSON allows without an escape but that a terminal acts on: DEL and C1. */
const UNESCAPED = /[\x7f-\x9f]/g;

/**
 * Makes a JSON number from the digits. It is `JSON.rawJSON` of ECMAScript 2026, which TypeScript's library does not
 * declare yet.
 */
const exact = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

/**
 * JSON in which a bigint is an exact integer and every control character is escaped, as {@link ByteWriter.string}
 * writes it.
 */
export function jsonText(value: unknown): string {
  return escapeControls(
    JSON.stringify(value, (_key, item: unknown) => (typeof item === "bigint" ? exact(String(item)) : item)),
  );
}

/** JSON in which every control character is escaped. */
export function escapeControls(json: string): string {
  return json.replace(UNESCAPED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Bytes of a word; a piece is written word by word. */
const WORD = 8;

/**
 * A text that is written often, stored as words of eight bytes. Most of a JSON line are names of fields, and writing
 * words takes a quarter of the time of bytes. The words are doubles, because each BigInt would allocate an object. The
 * bits of a NaN could change when it is copied, but UTF-8 is never a NaN: it has no byte 0xff, and no 0x7f follows its
 * leading bytes 0xf0 to 0xf4.
 */
export class Piece {
  readonly length: number;
  readonly words: Float64Array;

  constructor(text: string) {
    const bytes = utf8(text);
    const padded = new Uint8Array(Math.ceil(bytes.length / WORD) * WORD);
    padded.set(bytes);
    this.length = bytes.length;
    this.words = new Float64Array(padded.buffer);
  }
}

export function literal(text: string): Piece {
  return new Piece(text);
}

/** A text that is usually the same as the last time, because the values that it consists of are. */
export class Repeated {
  /** The values that the text consists of. */
  readonly key: Uint32Array;
  readonly words: Float64Array;
  length = 0;

  /** @param maxBytes the longest text */
  constructor(values: number, maxBytes: number) {
    // These values do not occur in any text.
    this.key = new Uint32Array(values).fill(0xffffffff);
    this.words = new Float64Array(Math.ceil(maxBytes / WORD));
  }
}

const HEX = utf8("0123456789abcdef");
const BILLION = 1e9;
/** `00` to `99`, as little-endian words. */
const PAIRS = Uint16Array.from({ length: 100 }, (_, n) => 0x3030 + Math.floor(n / 10) + ((n % 10) << 8));
const NULL = literal("null");
const TRUE = literal("true");
const FALSE = literal("false");
const DEL = 0x7f;
/** Second byte of the short escapes, by control character; 0 if there is none (RFC 8259, 7). */
const SHORT_ESCAPES = new Uint8Array(32);
SHORT_ESCAPES[0x08] = 0x62;
SHORT_ESCAPES[0x09] = 0x74;
SHORT_ESCAPES[0x0a] = 0x6e;
SHORT_ESCAPES[0x0c] = 0x66;
SHORT_ESCAPES[0x0d] = 0x72;

const NO_MEMORY = new Uint8Array(0);

/** Writes JSON as bytes, without making strings, into a buffer that grows only as far as one event needs. */
export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;
  readonly #memory: (bytes: number) => Uint8Array<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;
  #handedOver = 0;

  /** @param memory allocates at least `bytes` bytes; called whenever more are needed */
  constructor(capacity: number, memory = (bytes: number): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)) {
    this.#memory = memory;
    this.bytes = new Uint8Array(capacity + WORD);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Makes sure that `count` more bytes fit. */
  reserve(count: number): void {
    // The last word of a piece may extend beyond the end of the piece.
    const wanted = this.length + count + WORD;
    if (wanted > this.bytes.length) this.#grow(wanted);
  }

  #grow(wanted: number): void {
    const larger = this.#memory(Math.max(2 * this.bytes.length, wanted, this.#handedOver));
    larger.set(this.bytes.subarray(0, this.length));
    this.#use(larger);
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /**
   * Returns the written bytes and starts again.
   * @param take returns whether it keeps the memory. If it does, the next write allocates as much memory again, not
   *   this call: the kept memory may be free by then
   */
  exchange(take: (bytes: Uint8Array<ArrayBuffer>, length: number) => boolean): void {
    const { length } = this;
    this.length = 0;
    if (!take(this.bytes, length)) return;
    this.#handedOver = length;
    this.#use(NO_MEMORY);
  }

  put(piece: Piece): void {
    const { words } = piece;
    const view = this.#view;
    let at = this.length;
    this.length = at + piece.length;
    for (let i = 0; i < words.length; i++) {
      view.setFloat64(at, words[i] as number, true);
      at += WORD;
    }
  }

  /**
   * Copies the bytes that were written after position `from` to `text`, so that {@link putAgain} can write them again.
   */
  keep(from: number, text: Repeated): void {
    const { words } = text;
    const length = this.length - from;
    const view = this.#view;
    for (let i = 0; i * WORD < length; i++) words[i] = view.getFloat64(from + i * WORD, true);
    text.length = length;
  }

  /** Writes the text that {@link keep} has copied. */
  putAgain(text: Repeated): void {
    const { words, length } = text;
    const view = this.#view;
    const at = this.length;
    this.length = at + length;
    for (let i = 0; i * WORD < length; i++) view.setFloat64(at + i * WORD, words[i] as number, true);
  }

  /** Copies the written bytes to `target`, beginning at `at`. */
  copyTo(target: DataView, at: number): void {
    const view = this.#view;
    const { length } = this;
    let i = 0;
    for (; i + WORD <= length; i += WORD) target.setFloat64(at + i, view.getFloat64(i, true), true);
    for (; i < length; i++) target.setUint8(at + i, view.getUint8(i));
  }

  byte(value: number): void {
    this.bytes[this.length++] = value;
  }

  null(): void {
    this.put(NULL);
  }

  boolean(value: boolean): void {
    this.put(value ? TRUE : FALSE);
  }

  /** A whole number ≥ 0. A number above 2^53 is written as the exact value of the double. */
  number(value: number): void {
    if (value > Number.MAX_SAFE_INTEGER) {
      // More than 104 days of CPU time in ns: a process with many threads can reach it.
      this.put(literal(String(BigInt(value))));
      return;
    }
    if (value >= BILLION) {
      const rest = Math.floor(value / BILLION);
      this.number(rest);
      this.digits(value - rest * BILLION, 9);
      return;
    }
    this.digits(value, lengthOf(value | 0));
  }

  /** A whole number in exactly `digits` digits, below 2^31. */
  digits(value: number, digits: number): void {
    const view = this.#view;
    const start = this.length;
    let at = start + digits;
    this.length = at;
    let rest = value | 0;
    // Writes two digits at a time. It multiplies by 0.01, because a division takes several times as long. The rounding
    // error is far below a hundredth.
    while (at - start >= 2) {
      const hundredth = (rest * 0.01) | 0;
      at -= 2;
      view.setUint16(at, PAIRS[rest - hundredth * 100] as number, true);
      rest = hundredth;
    }
    if (at > start) view.setUint8(start, 0x30 + (rest % 10));
  }

  /** A 64-bit number from its halves, exact. */
  u64(high: number, low: number): void {
    if (high === 0) {
      this.number(low);
    } else if (high < MAX_EXACT_HIGH) {
      splitNs(high, low);
      this.number(split.seconds);
      this.digits(split.nanoseconds, 9);
    } else {
      this.put(literal(String((BigInt(high) << 32n) | BigInt(low))));
    }
  }

  /**
   * Bytes `from` to `end` of `source` as a JSON string. Control characters, including DEL and C1, are escaped, because
   * the line may be shown in a terminal. Bytes that are not UTF-8 become U+FFFD (one for each maximal subpart, as
   * TextDecoder does).
   */
  string(source: Uint8Array, from: number, end: number): void {
    this.reserve(6 * (end - from) + 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = 0x22;
    for (let i = from; i < end; ) {
      const byte = source[i] as number;
      if (byte >= DEL) {
        const length = byte === DEL ? 1 : utf8Length(source, i, end);
        const isControl = byte === DEL || (byte === 0xc2 && length === 2 && (source[i + 1] as number) < 0xa0);
        if (isControl) {
          i += length;
          at = this.#escape(at, source[i - 1] as number);
        } else if (length > 0) {
          for (const stop = i + length; i < stop; i++) bytes[at++] = source[i] as number;
        } else {
          bytes[at++] = 0xef;
          bytes[at++] = 0xbf;
          bytes[at++] = 0xbd;
          i -= length;
        }
        continue;
      }
      i++;
      if (byte < 0x20) {
        const short = SHORT_ESCAPES[byte] as number;
        if (short) {
          bytes[at++] = 0x5c;
          bytes[at++] = short;
        } else {
          at = this.#escape(at, byte);
        }
      } else {
        if (byte === 0x22 || byte === 0x5c) bytes[at++] = 0x5c;
        bytes[at++] = byte;
      }
    }
    bytes[at++] = 0x22;
    this.length = at;
  }

  /** Writes `\u00xx` at `at`. @returns the position after it */
  #escape(at: number, code: number): number {
    const { bytes } = this;
    bytes[at] = 0x5c;
    bytes[at + 1] = 0x75;
    bytes[at + 2] = 0x30;
    bytes[at + 3] = 0x30;
    bytes[at + 4] = HEX[code >> 4] as number;
    bytes[at + 5] = HEX[code & 15] as number;
    return at + 6;
  }

  /** A C string of at most `source.length` bytes, as a JSON string. */
  cString(source: Uint8Array): void {
    let end = 0;
    while (end < source.length && source[end] !== 0) end++;
    this.string(source, 0, end);
  }
}

/** Digits of a whole number from 0 to 2^31. */
function lengthOf(value: number): number {
  if (value < 10_000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  if (value < 1_000_000) return value < 100_000 ? 5 : 6;
  return value < 100_000_000 ? (value < 10_000_000 ? 7 : 8) : value < 1_000_000_000 ? 9 : 10;
}

/**
 * Length of the UTF-8 sequence at `at`. A negative result is the length of an ill-formed subpart, which is replaced by
 * one U+FFFD (Unicode 16, table 3-7 and section 3.9).
 */
function utf8Length(source: Uint8Array, at: number, end: number): number {
  const lead = source[at] as number;
  let length = 0;
  let low = 0x80;
  let high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead === 0xe0) low = 0xa0;
    if (lead === 0xed) high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead === 0xf0) low = 0x90;
    if (lead === 0xf4) high = 0x8f;
  } else {
    return -1;
  }
  for (let i = 1; i < length; i++) {
    const byte = at + i < end ? (source[at + i] as number) : 0;
    if (byte < low || byte > high) return -i;
    low = 0x80;
    high = 0xbf;
  }
  return length;
}
