/** Maximum error of the offset before it is read again, ns. */
const TOLERANCE_NS = 1e6;

/**
 * Converts boot-time stamps to wall-clock time, split into seconds and nanoseconds so that nothing is rounded. The
 * offset between the clocks changes when the wall clock is set, and slowly while it is slewed.
 */
export class WallClock {
  #offsetSeconds = 0;
  #offsetNanoseconds = 0;
  /** Result of `set`: whole seconds since 1970 … */
  seconds = 0;
  /** … and the nanoseconds above them. */
  nanoseconds = 0;

  /** @param offsetNs wall-clock time minus boot time */
  constructor(offsetNs: bigint) {
    this.adjust(offsetNs);
  }

  adjust(offsetNs: bigint): void {
    this.#offsetSeconds = Number(offsetNs / 1_000_000_000n);
    this.#offsetNanoseconds = Number(offsetNs % 1_000_000_000n);
  }

  /** Whether the offset has changed. @param offsetNs the present offset, from one reading of both clocks */
  isOff(offsetNs: number): boolean {
    return Math.abs(offsetNs - (this.#offsetSeconds * 1e9 + this.#offsetNanoseconds)) > TOLERANCE_NS;
  }

  /** Converts a boot-time stamp given as two 32-bit halves. */
  set(high: number, low: number): void {
    splitNs(high, low);
    let nanoseconds = split.nanoseconds + this.#offsetNanoseconds;
    let seconds = split.seconds + this.#offsetSeconds;
    if (nanoseconds >= 1e9) {
      nanoseconds -= 1e9;
      seconds++;
    } else if (nanoseconds < 0) {
      nanoseconds += 1e9;
      seconds--;
    }
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
  }

  /** A boot-time stamp in RFC 3339, UTC. */
  textAt(bootNs: bigint): string {
    this.set(Number(bootNs >> 32n), Number(bootNs & 0xffffffffn));
    return this.text;
  }

  /** The result of `set` in RFC 3339, UTC. */
  get text(): string {
    const seconds = new Date(this.seconds * 1000).toISOString().slice(0, 19);
    return `${seconds}.${String(this.nanoseconds).padStart(9, "0")}Z`;
  }
}

/** Result of `splitNs`, reused. */
export const split = { seconds: 0, nanoseconds: 0 };

/** 2^32 ns minus 4 s. */
const HIGH_REMAINDER_NS = 294_967_296;
/** Below this value, the product with `HIGH_REMAINDER_NS` is exact in a double: 2^56 ns, more than two years. */
export const MAX_EXACT_HIGH = 2 ** 24;

/** Splits a 64-bit number into a multiple of 10^9 and the remainder; exact for `high` < `MAX_EXACT_HIGH`. */
export function splitNs(high: number, low: number): void {
  const rest = high * HIGH_REMAINDER_NS + low;
  const seconds = Math.floor(rest / 1e9);
  split.seconds = 4 * high + seconds;
  split.nanoseconds = rest - seconds * 1e9;
}
