import { formatDurationMs } from "../../config/units.ts";
import { formatNumber } from "../../report/format.ts";

/** A number with two significant digits, for sentences. */
export function roughly(value: number): string {
  return formatNumber(value, { significant: 2 });
}

/** Share of processes seen: 100 % only for all of them, 0 % only for none. */
export function captureText(seen: number, total: number): string {
  if (total === 0) return "–";
  if (seen === total) return "100 %";
  if (seen === 0) return "0 %";
  const pct = (100 * seen) / total;
  if (pct >= 99) return `${Math.min(Math.floor(pct * 10) / 10, 99.9)} %`;
  return pct < 1 ? `${Math.max(pct, 0.1).toFixed(1)} %` : `${Math.round(pct)} %`;
}

/** An interval as a person would write it: `1 s`, `100 ms`, `1.3 ms`. */
export function intervalText(ms: number): string {
  if (Number.isInteger(ms) && (ms < 10 || ms % 10 === 0)) return formatDurationMs(ms).replace(/(?<=\d)(?=[a-z])/, " ");
  return ms >= 995 ? `${roughly(ms / 1000)} s` : `${roughly(ms)} ms`;
}
