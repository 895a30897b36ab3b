import { MAX_EXACT_HIGH, split, splitNs } from "../process/wall-clock.ts";

const ascii = new TextEncoder();

/** The bytes of a piece of JSON that never changes. */
export function literal(text: string): Uint8Array {
  return ascii.encode(text);
}

const HEX = literal("0123456789abcdef");
const NULL = literal("null");
const TRUE = literal("true");
const FALSE = literal("false");
/** Second byte of the short escapes, by control character; 0 where there is none (RFC 8259, 7). */
const SHORT_ESCAPES = new Uint8Array(32);
SHORT_ESCAPES[0x08] = 0x62;
SHORT_ESCAPES[0x09] = 0x74;
SHORT_ESCAPES[0x0a] = 0x6e;
SHORT_ESCAPES[0x0c] = 0x66;
SHORT_ESCAPES[0x0d] = 0x72;

/** Text as JSON bytes in a buffer that grows no further than one event needs. No string is made on the way. */
export class ByteWriter {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes sure that `count` more bytes fit. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.bytes.length, this.length + count));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  put(piece: Uint8Array): void {
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < piece.length; i++) bytes[at++] = piece[i] as number;
    this.length = at;
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

  /** A whole number ≥ 0; one past 2^53 as the double that it is. */
  number(value: number): void {
    if (value > Number.MAX_SAFE_INTEGER) {
      // 104 days of CPU time, in ns: a process with many threads gets there.
      this.put(literal(String(BigInt(value))));
      return;
    }
    const { bytes } = this;
    let digits = 1;
    for (let limit = 10; value >= limit && digits < 16; limit *= 10) digits++;
    let at = this.length + digits;
    this.length = at;
    // In pieces that fit an int32, whose division is quicker than a double's.
    while (value >= 1e9) {
      const rest = Math.floor(value / 1e9);
      let low = (value - rest * 1e9) | 0;
      for (let i = 0; i < 9; i++) {
        const tenth = (low / 10) | 0;
        bytes[--at] = 48 + low - tenth * 10;
        low = tenth;
      }
      value = rest;
    }
    let low = value | 0;
    do {
      const tenth = (low / 10) | 0;
      bytes[--at] = 48 + low - tenth * 10;
      low = tenth;
    } while (low > 0);
  }

  /** A whole number in exactly `digits` digits, below 2^31. */
  digits(value: number, digits: number): void {
    const { bytes } = this;
    let at = this.length + digits;
    this.length = at;
    for (let i = 0; i < digits; i++) {
      const tenth = (value / 10) | 0;
      bytes[--at] = 48 + value - tenth * 10;
      value = tenth;
    }
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
   * Bytes `from` to `end` of `source` as a JSON string: control characters are
   * escaped, what is not UTF-8 becomes U+FFFD (one for each maximal subpart, as
   * TextDecoder does).
   */
  string(source: Uint8Array, from: number, end: number): void {
    this.reserve(6 * (end - from) + 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = 0x22;
    for (let i = from; i < end; ) {
      const byte = source[i] as number;
      if (byte >= 0x80) {
        const length = utf8Length(source, i, end);
        if (length > 0) {
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
        bytes[at++] = 0x5c;
        const short = SHORT_ESCAPES[byte] as number;
        if (short) {
          bytes[at++] = short;
        } else {
          bytes[at++] = 0x75;
          bytes[at++] = 0x30;
          bytes[at++] = 0x30;
          bytes[at++] = HEX[byte >> 4] as number;
          bytes[at++] = HEX[byte & 15] as number;
        }
      } else {
        if (byte === 0x22 || byte === 0x5c) bytes[at++] = 0x5c;
        bytes[at++] = byte;
      }
    }
    bytes[at++] = 0x22;
    this.length = at;
  }

  /** A C string of at most `source.length` bytes, as a JSON string. */
  cString(source: Uint8Array): void {
    let end = 0;
    while (end < source.length && source[end] !== 0) end++;
    this.string(source, 0, end);
  }
}

/**
 * Length of the UTF-8 sequence at `at`, or, negative, of the ill-formed piece
 * there that one U+FFFD stands for (Unicode 16, table 3-7 and section 3.9).
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
