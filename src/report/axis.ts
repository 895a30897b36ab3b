/** An axis from a value to another, drawn with a certain length. */
export interface Axis {
  from: number;
  to: number;
  ticks: number[];
  /** The position of a value, from 0 to the length. Values beyond an end are placed at that end. */
  at(value: number): number;
}

/**
 * How far beyond the first or last tick a value may be, in steps. Without this, an axis of 60 s would extend to 70 s
 * because of 3 ms.
 */
const BEYOND = 0.05;

/** Round values in equal steps, about `about` of them, from about `from` or less to about `to` or more. */
export function niceTicks(from: number, to: number, about: number): number[] {
  const span = to > from ? to - from : Math.abs(from) || 1;
  const rough = span / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.floor(from / step + BEYOND);
  const last = Math.ceil(to / step - BEYOND);
  return Array.from({ length: Math.max(last - first, 1) + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** A linear axis that includes 0 and the finite values. */
export function linearAxis(values: readonly number[], about: number, length: number, flip = false): Axis {
  const finite = values.filter(Number.isFinite);
  const ticks = niceTicks(Math.min(0, ...finite), Math.max(0, ...finite), about);
  const from = ticks[0] ?? 0;
  const to = ticks.at(-1) ?? 1;
  return {
    from,
    to,
    ticks,
    at: (value) => {
      const share = (Math.min(Math.max(value, from), to) - from) / (to - from);
      return toTenth((flip ? 1 - share : share) * length);
    },
  };
}

/** Share of the length between 0 and the first power of ten. On a logarithmic scale, 0 has no place. */
const ZERO_SHARE = 0.08;

/** The range of the axis if no value is above 0. */
const NO_DECADE = { from: 1, to: 10 };

/**
 * An axis of powers of ten for the values above 0. If there is a value 0, it gets its own tick at the beginning, apart
 * from the others.
 *
 * @param most maximum number of powers of ten that get a tick
 */
export function logAxis(values: readonly number[], most: number, length: number): Axis {
  const positive = values.filter((value) => Number.isFinite(value) && value > 0);
  const hasZero = values.includes(0);
  const exponents = positive.map((value) => Math.log10(value));
  const first = positive.length === 0 ? Math.log10(NO_DECADE.from) : Math.floor(Math.min(...exponents));
  const last =
    positive.length === 0 ? Math.log10(NO_DECADE.to) : Math.max(Math.ceil(Math.max(...exponents)), first + 1);
  const step = Math.ceil((last - first + 1) / most);
  const decades = Array.from(
    { length: Math.floor((last - first) / step) + 1 },
    (_, index) => 10 ** (first + index * step),
  );
  const begin = hasZero ? ZERO_SHARE * length : 0;
  return {
    from: hasZero ? 0 : 10 ** first,
    to: 10 ** last,
    ticks: hasZero ? [0, ...decades] : decades,
    at: (value) => {
      if (value <= 0) return 0;
      const share = Math.min(Math.max((Math.log10(value) - first) / (last - first), 0), 1);
      return toTenth(begin + share * (length - begin));
    },
  };
}

function toTenth(value: number): number {
  return Math.round(value * 10) / 10;
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** The text of a tick, such as `1,000` or `10⁶`. */
export function tickText(tick: number): string {
  const exponent = Math.log10(Math.abs(tick));
  if (tick !== 0 && Number.isInteger(exponent) && (exponent >= 6 || exponent < -3)) {
    const digits = String(Math.abs(exponent)).replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)] ?? "");
    return `${tick < 0 ? "−" : ""}10${exponent < 0 ? "⁻" : ""}${digits}`;
  }
  return tick.toLocaleString("en-US", { maximumSignificantDigits: 6 }).replace(/^-/, "−");
}
