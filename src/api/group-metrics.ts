import type { GroupRow } from "../groups/group-row.ts";
import type { Groups } from "../groups/groups.ts";
import { LIFETIME_BOUNDS_S } from "../groups/lifetimes.ts";
import { labelPairs, type MetricsText } from "./metrics-text.ts";

/** Groups, with their figures as of the last scan. */
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
    "Processes that ended, by result: exit code 0 (ok), another exit code (error), a signal (signal), or not known (unknown).",
    rows.flatMap(([labels, { exits }]) =>
      results.map((result) => [`${labels},result="${result}"`, exits[result]] as const),
    ),
  );
  text.counter(
    "linnix_group_cpu_seconds_total",
    "CPU time of live and ended processes since the group got its slot.",
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
    "Resident memory of live processes. Memory that several processes share counts once for each process.",
    each(({ rssBytes }) => rssBytes),
  );
  if (knowsExits) endMetrics(text, rows, each);
  text.gauge("linnix_groups", "Groups with a slot, not counting kernel and other.", slots.size);
  text.gauge("linnix_groups_limit", "Maximum number of groups with a slot.", slots.max);
  text.counter(
    "linnix_ended_groups_cpu_seconds_total",
    "CPU time of groups that lost their slot at the end of their grace time, which begins when their last process ends.",
    slots.ended.cpuNs / 1e9,
  );
  bookMetrics(text, shown);
}

/** Metrics with figures that are known only when a process ends. */
function endMetrics(
  text: MetricsText,
  rows: readonly (readonly [labels: string, GroupRow])[],
  each: (value: (row: GroupRow) => number) => (readonly [labels: string, number])[],
): void {
  text.counter(
    "linnix_group_read_bytes_total",
    "Bytes that ended processes read from disks.",
    each(({ readBytes }) => readBytes),
  );
  text.counter(
    "linnix_group_written_bytes_total",
    "Bytes that ended processes wrote to disks.",
    each(({ writtenBytes }) => writtenBytes),
  );
  text.histogram(
    "linnix_group_lifetime_seconds",
    "Lifetimes of processes that have ended.",
    LIFETIME_BOUNDS_S,
    rows.map(([labels, { lifetimes }]) => [labels, lifetimes.cumulative(), lifetimes.sumS] as const),
  );
}

/**
 * Absent if filters exclude processes from the groups, or if the backend does not report the CPU time of ended
 * processes.
 */
function bookMetrics(text: MetricsText, { books }: ShownGroups): void {
  if (!books) return;
  text.counter(
    "linnix_machine_busy_cpu_seconds_total",
    "Busy time of all CPUs since the start of linnix: their elapsed time minus the idle, iowait and steal time in /proc/stat.",
    books.busyNs / 1e9,
  );
  text.counter(
    "linnix_unattributed_cpu_seconds_total",
    "CPU time that belongs to no group: hard and soft interrupts (irq), if the kernel does not count them as time of processes.",
    Object.entries(books.remainders).map(([kind, ns]) => [{ kind }, ns / 1e9] as const),
  );
  text.counter(
    "linnix_unexplained_cpu_seconds_total",
    "Busy time that is missing from the sum of linnix_group_cpu_seconds_total, linnix_ended_groups_cpu_seconds_total and linnix_unattributed_cpu_seconds_total.",
    books.unexplainedNs / 1e9,
  );
}

/** The labels of a group as text, which all of its series share. */
function labelsOf({ label: { unit, container, comm } }: GroupRow, byComm: boolean): string {
  return labelPairs(byComm ? { unit, container, comm } : { unit, container });
}
