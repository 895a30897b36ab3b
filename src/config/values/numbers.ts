import {
  formatDurationMs,
  formatDurationNs,
  formatPercent,
  formatSizeBytes,
  readDurationNs,
  readPercent,
  readSizeBytes,
} from "../units.ts";
import { Refusal, scalar, TEXT_OR_NUMBER } from "./scalar.ts";
import type { ValueType } from "./value-type.ts";

/** A whole number, also as text. `name` is a phrase for messages, such as `a process id`. */
export function integer(options: { min: number; max: number; name: string }): ValueType<number> {
  const { min, max, name } = options;
  return scalar<number>({
    expected: `${name} from ${min} to ${max}`,
    input: TEXT_OR_NUMBER,
    read: (value) =>
      (typeof value === "number" ? within(value, min, max, String) : null) ?? new Refusal("not a whole number"),
    fromText: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : text),
    toToml: (value) => value,
  });
}

/** A size, in bytes. */
export function size(options: { min: number; max: number; example: number; powerOfTwo?: true }): ValueType<number> {
  const { min, max, example, powerOfTwo } = options;
  const what = powerOfTwo ? "a power of two" : "a size";
  return scalar<number>({
    expected: `${what} from ${formatSizeBytes(min)} to ${formatSizeBytes(max)}, such as ${formatSizeBytes(example)}`,
    input: TEXT_OR_NUMBER,
    read: (value) => {
      const bytes = typeof value === "string" ? readSizeBytes(value) : Number(value);
      const result = bytes === null ? null : within(bytes, min, max, formatSizeBytes);
      if (powerOfTwo && typeof result === "number" && !Number.isInteger(Math.log2(result))) {
        return new Refusal("not a power of two");
      }
      return result ?? new Refusal("not a size");
    },
    toToml: formatSizeBytes,
  });
}

/** A percentage: 1 for `1%`. */
export function percent(options: { min: number; max: number; example: number }): ValueType<number> {
  const { min, max, example } = options;
  return scalar<number>({
    expected: `a percentage from ${min} to ${max}, such as ${example} or ${formatPercent(example)}`,
    input: TEXT_OR_NUMBER,
    read: (value) => {
      const pct = typeof value === "string" ? readPercent(value) : Number(value);
      if (pct === null || !Number.isFinite(pct)) {
        return new Refusal("not a percentage");
      }
      const outside = refusalOutside(pct, min, max, formatPercent);
      // A value must not change if it is printed and read again.
      return outside ?? (readPercent(formatPercent(pct)) === pct ? pct : new Refusal("has too many digits"));
    },
    toToml: formatPercent,
  });
}

interface DurationOptions {
  min: string | 0;
  /** Whether 0 is accepted too, although `min` is more. */
  orZero?: true;
  max: string;
  example: string;
}

/** A duration, in nanoseconds. */
export function durationNs(options: DurationOptions): ValueType<number> {
  return duration(options, 1, formatDurationNs);
}

/** A duration, in whole milliseconds. */
export function durationMs(options: DurationOptions): ValueType<number> {
  return duration(options, 1e6, formatDurationMs);
}

function duration(options: DurationOptions, nsPerUnit: number, format: (value: number) => string): ValueType<number> {
  const min = (readDurationNs(String(options.min)) ?? 0) / nsPerUnit;
  const max = (readDurationNs(options.max) ?? Number.MAX_SAFE_INTEGER) / nsPerUnit;
  const range = `from ${options.min} to ${options.max}`;
  return scalar<number>({
    expected: `${options.orZero ? "0, or " : ""}a duration ${range}, such as ${options.example}`,
    // `read` refuses numbers other than 0, because they have no unit.
    input: TEXT_OR_NUMBER,
    read: (value) => {
      const ns = readDurationNs(String(value));
      if (ns === null) {
        const [, unit] = /^\d+(?:\.\d+)?([a-zµ]*)$/.exec(String(value)) ?? [];
        if (unit === "") return new Refusal("has no unit");
        // The duration may be too long to be counted in ns.
        const isTooLong = unit !== undefined && readDurationNs(`1${unit}`) !== null;
        return new Refusal(isTooLong ? `more than ${options.max}` : "not a duration");
      }
      if (ns === 0 && options.orZero) {
        return 0;
      }
      // Every duration that was read is a whole number of ns, so this refusal is about ms.
      return within(ns / nsPerUnit, min, max, format) ?? new Refusal("not a whole number of ms");
    },
    toToml: format,
  });
}

/** The value if it is a whole number within the bounds, a refusal if it is outside of them, null if it is not whole. */
function within(value: number, min: number, max: number, format: (value: number) => string): number | Refusal | null {
  return Number.isInteger(value) ? (refusalOutside(value, min, max, format) ?? value) : null;
}

function refusalOutside(value: number, min: number, max: number, format: (value: number) => string): Refusal | null {
  if (value < min) {
    return new Refusal(`less than ${format(min)}`);
  }
  return value > max ? new Refusal(`more than ${format(max)}`) : null;
}
