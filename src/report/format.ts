import { printable } from "../json/printable.ts";
import type { Interval } from "../stats/interval.ts";

/** The text for an unknown figure. */
export const UNKNOWN = "–";

/**
 * A figure with `significant` significant digits, and at most `decimals` decimals: 0.274, 12.3, 1,234.
 * Null and NaN are a dash.
 */
export function formatNumber(value: number | null, { significant = 3, decimals = 3 } = {}): string {
  if (value === null || Number.isNaN(value)) return UNKNOWN;
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const magnitude = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  const places = Math.min(Math.max(significant - 1 - magnitude, 0), decimals);
  return value
    .toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places })
    .replace(/^-/, "−");
}

/** A percentage without the % sign, for a column whose heading has it. */
export function formatPct(value: number | null): string {
  return formatNumber(value);
}

/** `0.274 %`. */
export function withPercent(value: number | null): string {
  const text = formatPct(value);
  return text === UNKNOWN ? text : `${text} %`;
}

/** `0.262 to 0.291`; a dash if the interval is null or has no finite bound. */
export function formatInterval(interval: Interval | null): string {
  const isKnown = interval?.some(Number.isFinite);
  return interval === null || !isKnown ? UNKNOWN : `${formatNumber(interval[0])} to ${formatNumber(interval[1])}`;
}

/** With its sign: `+4.07`, `−0.12`. */
export function formatSigned(value: number | null): string {
  const text = formatNumber(value);
  return value !== null && value > 0 ? `+${text}` : text;
}

/** Rounded to a whole number, with commas: 18,311. */
export function formatCount(value: number | null): string {
  return value === null ? UNKNOWN : Math.round(value).toLocaleString("en-US");
}

/** `31.4 MiB`. */
export function formatBytes(bytes: number | null): string {
  if (bytes === null) return UNKNOWN;
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${formatNumber(bytes / 1024, { decimals: 1 })} KiB`;
  if (bytes < 1024 ** 3) return `${formatNumber(bytes / 1024 / 1024, { decimals: 1 })} MiB`;
  return `${formatNumber(bytes / 1024 ** 3, { decimals: 1 })} GiB`;
}

/** `1:05`, or with hours `1:01:05`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(Math.round(seconds), 0);
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** `0.8 s`, `60 s`. */
export function formatSeconds(seconds: number): string {
  return `${formatNumber(seconds, { decimals: 1 })} s`;
}

/** `2026-11-22 15:31:04 UTC`, from an RFC 3339 time in UTC. */
export function formatTime(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
}

/** Joins the parts of a sentence with commas. Leaves out parts that are null, false or empty. */
export function listed(...parts: readonly (string | null | false)[]): string {
  return parts.filter((part) => typeof part === "string" && part !== "").join(", ");
}

/** A text of any source, cut to that many columns. Characters that a terminal could act on are escaped. */
export function shortened(text: string, columns: number): string {
  const whole = printable(text);
  if (Bun.stringWidth(whole) <= columns) return whole;
  let cut = "";
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(whole)) {
    width += Bun.stringWidth(segment);
    if (width > columns - 1) break;
    cut += segment;
  }
  return `${cut}…`;
}
