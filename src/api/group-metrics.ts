import type { GroupRow } from "../groups/group-row.ts";
import type { Groups } from "../groups/groups.ts";
import { LIFETIME_BOUNDS_S } from "../groups/lifetimes.ts";
import { labelPairs, type MetricsText } from "./metrics-text.ts";

/** Groups with the figures of the last look. */
export type ShownGroups = Pick<Groups, "slots" | "books" | "byComm" | "knowsExits">;

/** The metrics of the workload, by unit and container. */
export function groupMetrics(text: MetricsText, shown: ShownGroups | null): void {
  if (!shown) return;
  const { slots, knowsExits } = shown;
  const rows = [...slots.rows()].map((row) => [labelsOf(row, shown.byComm), row] as const);
  const each = (value: (row: GroupRow) => number) => rows.map(([labels, row]) => [labels, value(row)] as const);
  const results = knowsExits ? (["ok", "error", "signal"] as const) : (["unknown"] as const);
  text.counter(
    "linnix_group_starts_total",
    "Processes that were started, by unit and container.",
    each(({ starts }) => starts),
  );
  text.counter(
    "linnix_group_execs_total",
    "Programs that were executed.",
    each(({ execs }) => execs),
  );
  text.counter(
    "linnix_group_exits_total",
    "Processes that ended: with status 0 (ok), with another one (error), by a signal (signal).",
    rows.flatMap(([labels, { exits }]) =>
      results.map((result) => [`${labels},result="${result}"`, exits[result]] as const),
    ),
  );
  text.counter(
    "linnix_group_cpu_seconds_total",
    "CPU time of processes, those that have ended included, since the group is shown.",
    rows.flatMap(([labels, { userNs, systemNs }]) => [
      [`${labels},mode="user"`, userNs.shown / 1e9] as const,
      [`${labels},mode="system"`, systemNs.shown / 1e9] as const,
    ]),
  );
  text.gauge(
    "linnix_group_processes",
    "Live processes.",
    each(({ processes }) => processes),
  );
  text.gauge(
    "linnix_group_resident_memory_bytes",
    "Resident memory of live processes; what several share counts for each.",
    each(({ rssBytes }) => rssBytes),
  );
  if (knowsExits) endMetrics(text, rows, each);
  text.gauge("linnix_groups", "Groups with a slot, without kernel and other.", slots.size);
  text.gauge("linnix_groups_limit", "Most groups with a slot.", slots.max);
  text.counter(
    "linnix_ended_groups_cpu_seconds_total",
    "CPU time of groups that are not shown any more: their grace time after the last process has passed.",
    slots.ended.cpuNs / 1e9,
  );
  bookMetrics(text, shown);
}

/** What is known of processes when they end. */
function endMetrics(
  text: MetricsText,
  rows: readonly (readonly [labels: string, GroupRow])[],
  each: (value: (row: GroupRow) => number) => (readonly [labels: string, number])[],
): void {
  text.counter(
    "linnix_group_read_bytes_total",
    "Bytes that processes had read from disks when they ended.",
    each(({ readBytes }) => readBytes),
  );
  text.counter(
    "linnix_group_written_bytes_total",
    "Bytes that processes had written to disks when they ended.",
    each(({ writtenBytes }) => writtenBytes),
  );
  text.histogram(
    "linnix_group_lifetime_seconds",
    "How long processes lived that ended.",
    LIFETIME_BOUNDS_S,
    rows.map(([labels, { lifetimes }]) => [labels, lifetimes.cumulative(), lifetimes.sumS] as const),
  );
}

/** Absent if filters keep processes out of the groups. */
function bookMetrics(text: MetricsText, { books }: ShownGroups): void {
  if (!books) return;
  text.counter(
    "linnix_machine_busy_cpu_seconds_total",
    "Busy time of all CPUs since the start: elapsed time without idle, iowait and steal of /proc/stat.",
    books.busyNs / 1e9,
  );
  text.counter(
    "linnix_unattributed_cpu_seconds_total",
    "CPU time of no group: hard and soft interrupts (irq), if the kernel keeps them apart from processes.",
    Object.entries(books.remainders).map(([kind, ns]) => [{ kind }, ns / 1e9] as const),
  );
  text.counter(
    "linnix_unexplained_cpu_seconds_total",
    "Busy time that is neither in a group nor of a kind that the kernel counts by itself.",
    books.unexplainedNs / 1e9,
  );
}

/** Written once for all of its series. */
function labelsOf({ label: { unit, container, comm } }: GroupRow, byComm: boolean): string {
  return labelPairs(byComm ? { unit, container, comm } : { unit, container });
}
