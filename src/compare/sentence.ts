import { captureText, intervalText, roughly } from "./report/notation.ts";
import type { CompareRow, FrontierRow } from "./report/report.ts";

type Figures = CompareRow & { seen: number; total: number; total_cpu_pct: number };

/**
 * The summary of a comparison in one or two sentences: what polling saw and cost, what linnix saw and cost, and how
 * often polling would have to look.
 */
export function takeHome(rows: readonly CompareRow[], frontier: readonly FrontierRow[]): string {
  const polling = pick(rows, "polling", "ps");
  const events = pick(rows, "events", "linnix");
  const parts = [polling, events].flatMap((row) => (row === null ? [] : [clause(row)]));
  if (parts.length === 0) return "No method could be measured here.";
  const sentences = [`${parts.join("; ")}.`];
  const point = frontier.find(({ method }) => method === polling?.method);
  if (polling !== null && point !== undefined) sentences.push(need(point, polling));
  return sentences.filter(Boolean).join(" ");
}

/**
 * The row that represents its kind: that of the method `first`, or else of the method that saw the largest share. If
 * several saw the same share, it is the cheapest. Null if no method of the kind has all figures.
 */
function pick(rows: readonly CompareRow[], kind: CompareRow["kind"], first: string): Figures | null {
  // If a method has rows for several intervals, the first row has the requested interval.
  const own = rows.filter((row, i) => row.kind === kind && rows.findIndex(({ method }) => method === row.method) === i);
  const measured = own.filter(
    (row): row is Figures => row.seen !== null && row.total !== null && row.total_cpu_pct !== null,
  );
  const share = ({ seen, total }: Figures): number => seen / total;
  const [best = null] = measured.toSorted(
    (a, b) =>
      Number(b.method === first) - Number(a.method === first) ||
      share(b) - share(a) ||
      a.total_cpu_pct - b.total_cpu_pct,
  );
  return best;
}

function clause(row: Figures): string {
  const { method, interval_ms, seen, total, total_cpu_pct, slowdown } = row;
  const how = interval_ms === null ? "" : ` every ${intervalText(interval_ms)}`;
  const felt =
    slowdown?.ci95 && slowdown.ci95[0] > 5 ? `, and slowed a short process by ${roughly(slowdown.pct)} %` : "";
  return `${method}${how} saw ${captureText(seen, total)} of the processes and used ${roughly(total_cpu_pct)} % CPU${felt}`;
}

function need(
  { wanted_pct, interval_ms, cpu_pct, us_per_look, possible }: FrontierRow,
  { method, seen, total }: Figures,
): string {
  if ((100 * seen) / total >= wanted_pct) return "";
  if (interval_ms === null || cpu_pct === null) return `No interval would let ${method} see ${wanted_pct} %.`;
  const often = `To see ${wanted_pct} %, ${method} would have to look every ${intervalText(interval_ms)}`;
  if (!possible) return `${often}, which it cannot: one look takes ${roughly(us_per_look / 1000)} ms (an estimate).`;
  return `${often}, and would use ${roughly(cpu_pct)} % CPU (an estimate).`;
}
