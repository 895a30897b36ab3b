import { printable } from "../json/printable.ts";
import type { TotalsEvent } from "../wire/event.ts";

/** Maximum number of groups with a row of their own. The last row of a block has the sums of all others. */
const ROWS = 10;
const HEADING = ["STARTS", "EXECS", "EXITS", "FAILED", "CPU", "RUNNING"] as const;
const FIGURE_WIDTH = 8;

/** The busiest groups of an interval as rows for people. The first row is a heading. Empty if there are no groups. */
export function totalsBlock(lines: readonly TotalsEvent[], width: number): string[] {
  const first = lines[0];
  if (!first) return [];
  const seconds = Number(first.to_ns - first.from_ns) / 1e9;
  const busiest = [...lines].sort((a, b) => weightOf(b) - weightOf(a));
  const rows = busiest.slice(0, ROWS).map((line) => row(figuresOf(line), nameOf(line), width));
  const rest = busiest.slice(ROWS);
  if (rest.length > 0) rows.push(row(sums(rest.map(figuresOf)), `${rest.length} more groups`, width));
  return [row(HEADING, `${first.time.slice(11, 19)}, ${seconds.toFixed(1)} s`, width), ...rows];
}

type Figures = [starts: number, execs: number, exits: number, failed: number, cpuNs: number, running: number];

function figuresOf(line: TotalsEvent): Figures {
  const { ok, error, signal, unknown } = line.exited;
  const failed = (error ?? 0) + (signal ?? 0);
  const exitedNs = (line.exited_cpu_user_ns ?? 0) + (line.exited_cpu_system_ns ?? 0);
  const exits = (ok ?? 0) + failed + unknown;
  return [line.started, line.execs, exits, failed, line.cpu_ns ?? exitedNs, line.running ?? 0];
}

function sums(all: readonly Figures[]): Figures {
  const sum: Figures = [0, 0, 0, 0, 0, 0];
  for (const figures of all) for (const [place, figure] of figures.entries()) sum[place] = (sum[place] ?? 0) + figure;
  return sum;
}

/** The sort key: CPU time in ns plus the counts. The counts matter only if CPU times are nearly equal. */
function weightOf(line: TotalsEvent): number {
  const [starts, execs, exits, , cpuNs] = figuresOf(line);
  return cpuNs + starts + execs + exits;
}

function nameOf({ comm, other, container, unit, cgroup, cgroup_id }: TotalsEvent): string {
  const name = other ? "(other)" : comm;
  const place = unit ?? (container && `${container.runtime} ${container.id.slice(0, 12)}`) ?? cgroup;
  return printable(`${name}  ${place ?? (cgroup_id === null ? "" : `cgroup ${cgroup_id}`)}`).trimEnd();
}

function row(figures: readonly (string | number)[], name: string, width: number): string {
  const columns = figures.map((figure, place) => {
    const text = typeof figure === "string" ? figure : place === CPU ? `${(figure / 1e6).toFixed(0)} ms` : `${figure}`;
    return text.padStart(FIGURE_WIDTH);
  });
  const text = `${columns.join(" ")}  ${name}`;
  if (width === 0 || Bun.stringWidth(text) <= width) return text;
  let cut = text.slice(0, Math.max(1, width - 1));
  while (Bun.stringWidth(cut) > width - 1 || !cut.isWellFormed()) cut = cut.slice(0, -1);
  return `${cut}…`;
}

const CPU = HEADING.indexOf("CPU");
