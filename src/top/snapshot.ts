import { jsonText } from "../json/byte-writer.ts";
import { VERSION } from "../version.ts";
import { cpuPctOf, groupsOf, knownCpuNs, type ProcessRow, type Refresh, shortShare } from "./model.ts";
import { type Sort, sortCommands, sortGroups, sortProcesses } from "./sorting.ts";
import { headerLines } from "./views/header.ts";
import { listOf } from "./views/lists.ts";

export const SCHEMA = "linnix.top/1";

/** Maximum number of rows in the text of one refresh, for processes and for each other list. */
const PROCESSES = 40;
const OTHERS = 15;

/** One refresh as JSON: every process, group and command. */
export function jsonOf(refresh: Refresh, sort: Sort): string {
  const { cost, short, elapsedMs } = refresh;
  const share = shortShare(refresh);
  return `${jsonText({
    schema: SCHEMA,
    version: VERSION,
    time: new Date(refresh.atMs).toISOString(),
    interval_ms: Math.round(elapsedMs),
    source: refresh.source,
    backend: refresh.backend,
    missing_fields: refresh.missingFields,
    notes: refresh.notes,
    cost: {
      user_space_pct: rounded(cost.userSpacePct),
      in_kernel_pct: rounded(cost.inKernelPct),
      budget_pct: cost.budgetPct,
      level: cost.level,
    },
    events_per_second: rounded(refresh.eventsPerSecond),
    lost: refresh.lost,
    busy_ns: refresh.busyNs,
    processes: sortProcesses(refresh.processes, sort).map(processOf),
    groups: sortGroups(groupsOf(refresh), sort).map(({ name, processes, cpuPct, rssBytes, shortLived }) => ({
      name,
      processes,
      cpu_pct: rounded(cpuPct),
      rss_bytes: rssBytes,
      short_lived: shortLived,
    })),
    short_lived: short && {
      count: short.count,
      cpu_ns: knownCpuNs(short) === null ? null : Math.round(short.cpuNs),
      cpu_pct: knownCpuNs(short) === null ? null : rounded(cpuPctOf(short.cpuNs, elapsedMs)),
      cpu_unknown: short.cpuUnknown,
      busy_share_pct: share === null ? null : rounded(share * 100),
      commands: sortCommands(short.commands, sort).map((command) => ({
        comm: command.comm,
        count: command.count,
        cpu_ns: knownCpuNs(command) === null ? null : Math.round(command.cpuNs),
        peak_rss_bytes: command.peakRssBytes,
      })),
    },
  })}\n`;
}

function processOf(row: ProcessRow) {
  const { place } = row;
  return {
    pid: row.pid,
    ppid: row.ppid,
    start_ns: row.startNs,
    uid: row.uid,
    user: row.user,
    state: row.state,
    cpu_pct: rounded(row.cpuPct),
    rss_bytes: row.rssBytes,
    threads: row.threads,
    comm: row.comm,
    exe: row.exe,
    args: row.args,
    args_truncated: row.argsTruncated,
    cgroup: place.cgroup,
    container: place.container,
    unit: place.unit,
  };
}

/** One refresh as text: the header and the first rows of each list. */
export function textOf(refresh: Refresh, sort: Sort, columns: number): string {
  const lines = headerLines(refresh, columns).map(({ text }) => text);
  for (const view of ["processes", "groups", "short"] as const) {
    const list = listOf(refresh, { view, sort, isReversed: false, filter: "" });
    const count = Math.min(list.keys.length, view === "processes" ? PROCESSES : OTHERS);
    lines.push("", list.heading(columns));
    for (let index = 0; index < count; index++) lines.push(list.line(index, columns));
    if (count === 0) lines.push(list.empty);
    if (count < list.keys.length) lines.push(`… and ${list.keys.length - count} more`);
  }
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toFixed(3));
}
