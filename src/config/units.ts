import { printable } from "../json/printable.ts";

/** Units of a duration, largest first, in nanoseconds. */
const DURATION_UNITS: readonly (readonly [unit: string, ns: bigint])[] = [
  ["h", 3_600_000_000_000n],
  ["m", 60_000_000_000n],
  ["s", 1_000_000_000n],
  ["ms", 1_000_000n],
  ["us", 1_000n],
  ["ns", 1n],
];

/** Units of a size, largest first, in bytes. There are only binary units, so that 64K is never read as 64,000. */
const SIZE_UNITS: readonly (readonly [unit: string, bytes: bigint])[] = [
  ["GiB", 1n << 30n],
  ["MiB", 1n << 20n],
  ["KiB", 1n << 10n],
  ["B", 1n],
];

/**
 * Nanoseconds of `250ms`, `1.5s`, `0`; null if the text is no duration, no whole number of nanoseconds, or more than
 * 2^53 ns (104 days), above which a number would not be exact.
 */
export function readDurationNs(text: string): number | null {
  if (/^0+$/.test(text)) {
    return 0;
  }
  const [, whole, fraction = "", unit] = /^(\d{1,19})(?:\.(\d{1,9}))?([a-zµ]+)$/.exec(text) ?? [];
  const ns = DURATION_UNITS.find(([name]) => name === (unit === "µs" ? "us" : unit))?.[1];
  return whole === undefined || ns === undefined ? null : scale(whole, fraction, ns);
}

/** Bytes of `64KiB`, `4MiB`, `1024`; null if the text is no size, no whole number of bytes, or more than 2^53 bytes. */
export function readSizeBytes(text: string): number | null {
  const [, whole, fraction = "", unit = "B"] = /^(\d{1,19})(?:\.(\d{1,9}))?([A-Za-z]+)?$/.exec(text) ?? [];
  const bytes = SIZE_UNITS.find(([name]) => name === unit)?.[1];
  return whole === undefined || bytes === undefined ? null : scale(whole, fraction, bytes);
}

/** Maximum number of digits of a percentage after the point. */
const PERCENT_DIGITS = 9;

/** Percent of `1`, `1%`, `0.5 %`; null if the text is no percentage. */
export function readPercent(text: string): number | null {
  const [, number] = /^(\d{1,9}(?:\.\d{1,9})?) ?%?$/.exec(text) ?? [];
  return number === undefined ? null : Number(number);
}

/** The shortest exact text that reads back to the same number: `90s`, `1h`, `500us`, `0`. */
export function formatDurationNs(durationNs: number): string {
  return durationNs === 0 ? "0" : inLargestUnit(BigInt(durationNs), DURATION_UNITS);
}

/** As {@link formatDurationNs}, of milliseconds. */
export function formatDurationMs(durationMs: number): string {
  return formatDurationNs(Math.round(durationMs * 1e6));
}

/** The shortest exact text that reads back to the same number: `256KiB`, `1000`. */
export function formatSizeBytes(bytes: number): string {
  return bytes === 0 ? "0" : inLargestUnit(BigInt(bytes), SIZE_UNITS).replace(/(?<=\d)B$/, "");
}

/** `1%`, `0.000001%`: with no more digits after the point than {@link readPercent} accepts, and never an exponent. */
export function formatPercent(pct: number): string {
  return `${pct.toFixed(PERCENT_DIGITS).replace(/\.?0+$/, "")}%`;
}

/** A path or a name for a message, cut after `length` characters. No ordinary name is that long. */
export function shortened(text: string, length = 300): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** A value for an error message: quoted, on one line, without raw control characters, and cut after 80 characters. */
export function quote(text: string): string {
  const shown = shortened(text, 80);
  return printable(JSON.stringify(shown));
}

/** (whole.fraction × unit), exact or null. */
function scale(whole: string, fraction: string, unit: bigint): number | null {
  const parts = BigInt(whole + fraction) * unit;
  const per = 10n ** BigInt(fraction.length);
  const value = parts / per;
  return parts % per === 0n && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null;
}

function inLargestUnit(value: bigint, units: readonly (readonly [string, bigint])[]): string {
  for (const [unit, per] of units) {
    if (value % per === 0n) {
      return `${value / per}${unit}`;
    }
  }
  return `${value}`;
}
