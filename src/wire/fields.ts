/**
 * The one table of events: every type, and every field of each. From it scripts/events.ts generates the
 * encoder (src/sinks/event-json.gen.ts), the TypeScript types (event.gen.ts) and docs/events.md. `missing_fields` and
 * the OpenAPI schemas use the table too. layout.gen.ts contains the offsets of members in a record.
 */
import type * as layout from "./layout.gen.ts";

/** A bit of `enum known`, bpf/process.h. */
export type KnownBit = Extract<keyof typeof layout, `KNOWN_${string}`>;

/** How JSON represents a value. `u64`: an integer that can exceed 2^53, printed exactly; a bigint in TypeScript. */
export type FieldKind = "u32" | "u64" | "number" | "text" | "boolean" | "texts" | "container" | "object";

/** A member of a record that the encoder prints unchanged, such as `PROCESS_EVENT.uid`. */
type MemberOf<Struct extends keyof typeof layout> = `${Struct}.${Extract<keyof (typeof layout)[Struct], string>}`;
export type Member =
  | MemberOf<"PROCESS_EVENT">
  | MemberOf<"EXEC_EVENT">
  | MemberOf<"EXIT_EVENT">
  | MemberOf<"ENDED_EVENT">
  | MemberOf<"SAMPLE_EVENT">
  | MemberOf<"PAGE_FAULT_EVENT">;

export interface FieldRow {
  name: string;
  kind: FieldKind;
  doc: string;
  unit?: "ns" | "bytes" | "% of one core" | "s" | "count";
  /** `null`: the value may be null. `left out`: the field may be absent. */
  unknown?: "null" | "left out";
  /** The bit that is set if the field is known. If a backend never sets this bit, it has no values for the field. */
  known?: KnownBit;
  /** The member of the record that contains the value. Absent if `part` writes the field. */
  member?: Member;
  /**
   * The function of src/sinks/event-parts.ts that writes this field. Adjacent fields with the same part are written by
   * one call.
   */
  part?: string;
  /**
   * Whether the value is usually the same as in the previous event. Adjacent fields of this kind are written together.
   */
  repeats?: boolean;
  /** The end of the previous field's text. The encoder writes it and this field's name as one piece. */
  lead?: string;
  /** TypeScript type, if it differs from that of `kind`. */
  ts?: string;
}

export interface EventTypeRow {
  doc: string;
  /**
   * Whether the event is about one process. The JSON of such an event has `type`, then `HEAD_FIELDS`, then `fields`.
   */
  isOfProcess: boolean;
  fields: readonly FieldRow[];
}

const TIME: FieldRow = { name: "time", kind: "text", part: "time", doc: "RFC 3339, UTC, with nanoseconds." };
const TS_NS: FieldRow = {
  name: "ts_ns",
  kind: "u64",
  unit: "ns",
  part: "time",
  lead: 'Z"',
  doc: "The same time on CLOCK_BOOTTIME.",
};

/** The first fields of every event of a process, after `type`. */
export const HEAD_FIELDS: readonly FieldRow[] = [
  TIME,
  TS_NS,
  {
    name: "cpu",
    kind: "u32",
    unknown: "null",
    part: "cpu",
    doc: "The CPU of the event. In a sample: the CPU that the main thread ran on last. Null in samples read from /proc.",
  },
  {
    name: "pid",
    kind: "u32",
    member: "PROCESS_EVENT.pid",
    doc: "Process id: the kernel's tgid in the initial pid namespace.",
  },
  {
    name: "ppid",
    kind: "u32",
    unknown: "null",
    part: "ppid",
    doc: "The parent's pid. In a fork event: the parent at birth.",
  },
  {
    name: "parent_start_ns",
    repeats: true,
    kind: "u64",
    unit: "ns",
    unknown: "null",
    known: "KNOWN_PARENT_START",
    member: "PROCESS_EVENT.parent_start_ns",
    doc: "Start time of the parent on CLOCK_BOOTTIME. `ppid` and this field together identify the parent. Null if the parent is the kernel's idle task, and in samples read from /proc.",
  },
  { name: "uid", repeats: true, kind: "u32", member: "PROCESS_EVENT.uid", doc: "Real user id." },
  { name: "gid", repeats: true, kind: "u32", member: "PROCESS_EVENT.gid", doc: "Real group id." },
  {
    name: "euid",
    repeats: true,
    kind: "u32",
    unknown: "null",
    known: "KNOWN_EFFECTIVE",
    member: "PROCESS_EVENT.euid",
    doc: "Effective user id, which the kernel uses to check permissions. It differs from `uid` in a set-uid program, for example.",
  },
  {
    name: "egid",
    repeats: true,
    kind: "u32",
    unknown: "null",
    known: "KNOWN_EFFECTIVE",
    member: "PROCESS_EVENT.egid",
    doc: "Effective group id.",
  },
  {
    name: "auid",
    repeats: true,
    kind: "u32",
    unknown: "null",
    known: "KNOWN_AUID",
    member: "PROCESS_EVENT.auid",
    doc: "Login user id (audit): the user who logged in to this session. It stays the same through su and sudo. Null if it is unset, and in samples read from /proc.",
  },
  {
    name: "comm",
    kind: "text",
    part: "comm",
    doc: "Name of the process, at most 15 bytes. In a fork event: the child's name at birth.",
  },
  {
    name: "start_ns",
    kind: "u64",
    unit: "ns",
    unknown: "null",
    known: "KNOWN_START",
    member: "PROCESS_EVENT.start_ns",
    doc: "Start time of the process on CLOCK_BOOTTIME. `pid` and `start_ns` together identify a process. Null in samples read from /proc.",
  },
  {
    name: "cgroup_id",
    kind: "u64",
    unknown: "null",
    known: "KNOWN_CGROUP",
    member: "PROCESS_EVENT.cgroup_id",
    doc: "Id of the cgroup in the v2 hierarchy: the inode number of its directory. Null in samples read from /proc.",
  },
  {
    name: "ns_pid",
    kind: "u32",
    unknown: "left out",
    known: "KNOWN_NS_PID",
    member: "PROCESS_EVENT.ns_pid",
    doc: "The pid as the process itself sees it, in its own pid namespace.",
  },
  { name: "cgroup", kind: "text", unknown: "left out", part: "place", doc: "Path of the cgroup in its hierarchy." },
  {
    name: "container",
    kind: "container",
    unknown: "left out",
    part: "place",
    doc: "The innermost container that the process runs in: `id` and `runtime`.",
  },
  {
    name: "unit",
    kind: "text",
    unknown: "left out",
    part: "place",
    doc: "The systemd unit of the process, from the host's systemd. A unit of a systemd inside a container is never reported.",
  },
];

/** The executable and arguments of a process, captured at its last exec. */
const IMAGE_FIELDS: readonly FieldRow[] = [
  {
    name: "exe",
    kind: "text",
    unknown: "null",
    known: "KNOWN_EXE",
    part: "image",
    doc: "Path of the executable. With the tracepoint backend: the path that was passed to execve(2), if linnix saw the exec.",
  },
  {
    name: "args",
    kind: "texts",
    unknown: "null",
    known: "KNOWN_ARGS",
    part: "image",
    doc: "The arguments, one string each. They are redacted if redaction is on.",
  },
  {
    name: "args_truncated",
    kind: "boolean",
    unknown: "null",
    known: "KNOWN_ARGS",
    part: "image",
    doc: "Whether arguments are missing at the end of `args`. Null if `args` is null.",
  },
  {
    name: "exe_truncated",
    kind: "boolean",
    unknown: "null",
    known: "KNOWN_EXE",
    part: "image",
    doc: "Whether `exe` is only the end of a path that was too long. Null if `exe` is null.",
  },
];

const figure = (name: string, unit: NonNullable<FieldRow["unit"]>, known: KnownBit, doc: string): FieldRow => ({
  name,
  kind: "u64",
  unit,
  unknown: "null",
  known,
  member: `EXIT_EVENT.${name}` as Member,
  // Below 2^53 in every process that can exist.
  ts: "number",
  doc,
});

/** A sum of a group of processes. */
const total = (name: string, unit: "ns" | "bytes" | "count", doc: string): FieldRow => ({
  name,
  kind: "number",
  unit,
  unknown: "null",
  doc,
});

const EXIT_FIELDS: readonly FieldRow[] = [
  {
    name: "exit_code",
    kind: "u32",
    unknown: "null",
    known: "KNOWN_STATUS",
    part: "status",
    doc: "Exit code, 0 to 255. Null if a signal killed the process.",
  },
  {
    name: "signal",
    kind: "text",
    unknown: "null",
    known: "KNOWN_STATUS",
    part: "status",
    doc: "Name of the signal that killed the process, such as `SIGKILL`. Null if it exited by itself.",
  },
  {
    name: "core_dumped",
    kind: "boolean",
    unknown: "null",
    known: "KNOWN_STATUS",
    part: "status",
    doc: "Whether the kernel wrote a core dump.",
  },
  {
    name: "duration_ns",
    kind: "u64",
    unit: "ns",
    unknown: "null",
    part: "duration",
    doc: "Time from the start of the process to its end. The start is the kernel's start time with the btf backend, and the time of the fork event with the tracepoint backend.",
  },
  {
    name: "cpu_user_ns",
    kind: "u64",
    unit: "ns",
    unknown: "null",
    known: "KNOWN_CPU",
    part: "cpuTime",
    doc: "User CPU time of all threads.",
  },
  {
    name: "cpu_system_ns",
    kind: "u64",
    unit: "ns",
    unknown: "null",
    known: "KNOWN_CPU",
    part: "cpuTime",
    doc: "System CPU time of all threads.",
  },
  figure("peak_rss_bytes", "bytes", "KNOWN_RSS", "Largest resident set size."),
  figure("minor_faults", "count", "KNOWN_FAULTS", "Page faults that needed no I/O."),
  figure("major_faults", "count", "KNOWN_FAULTS", "Page faults that needed I/O."),
  figure("read_bytes", "bytes", "KNOWN_IO", "Bytes read from storage."),
  figure("write_bytes", "bytes", "KNOWN_IO", "Bytes written to storage."),
  ...IMAGE_FIELDS,
];

const NOTICE_FIELDS: readonly FieldRow[] = [
  { ...TIME, doc: "When linnix created this event: RFC 3339, UTC, with nanoseconds." },
  TS_NS,
];

/** Every type of event, in the order of docs/events.md. */
export const EVENT_FIELDS = {
  start: {
    doc: "The first line of an output. It is repeated if a SIGHUP changes a setting or reopens the output.",
    isOfProcess: false,
    fields: [
      ...NOTICE_FIELDS,
      { name: "schema", kind: "text", ts: '"linnix.events/1"', doc: "Name and version of this format." },
      { name: "version", kind: "text", doc: "Version of linnix." },
      { name: "hostname", kind: "text", doc: "Name of the machine." },
      {
        name: "boot_id",
        kind: "text",
        unknown: "null",
        doc: "Id of this boot of the kernel. Compare `ts_ns` only within one boot.",
      },
      { name: "kernel", kind: "text", doc: "Release of the kernel, as `uname -r` prints it." },
      { name: "backend", kind: "text", ts: '"btf" | "tracepoint"', doc: "How linnix hooks into the kernel." },
      { name: "detail", kind: "text", ts: '"events" | "processes" | "summary"', doc: "Level of detail." },
      {
        name: "filters",
        kind: "object",
        ts: "StartFilters",
        doc: "Filters in force: `events`, `pids`, `uids`, `comms`, `cgroup` and `min_duration_ns`. A filter is off if its value is empty, null or 0.",
      },
      {
        name: "missing_fields",
        kind: "texts",
        doc: "Fields that are not available with this kernel and backend. They are null or left out in every event.",
      },
    ],
  },
  fork: { doc: "A process was created. New threads cause no event.", isOfProcess: true, fields: [] },
  exec: {
    doc: "A process executed a program.",
    isOfProcess: true,
    fields: [
      ...IMAGE_FIELDS,
      {
        name: "old_comm",
        kind: "text",
        unknown: "null",
        known: "KNOWN_OLD_COMM",
        part: "oldComm",
        doc: "Name of the process before the exec.",
      },
    ],
  },
  exit: {
    doc: "The last thread of a process ended. The figures are those of the whole process.",
    isOfProcess: true,
    fields: EXIT_FIELDS,
  },
  process: {
    doc: "With `--detail processes`: a process ended. It is the only line about the process. `ppid` is the parent at birth.",
    isOfProcess: true,
    fields: [
      ...EXIT_FIELDS,
      {
        name: "exec_count",
        kind: "u32",
        unit: "count",
        unknown: "null",
        known: "KNOWN_EXEC_COUNT",
        member: "ENDED_EVENT.exec_count",
        doc: "Number of execs of all its threads. Null if linnix did not see the process start.",
      },
    ],
  },
  sample: {
    doc: "CPU and memory use of a process that was active in the last sample interval.",
    isOfProcess: true,
    fields: [
      {
        name: "cpu_pct",
        kind: "number",
        unit: "% of one core",
        part: "cpuPct",
        doc: "CPU use of all threads since the previous sample. It can exceed 100 if several threads run.",
      },
      {
        name: "rss_bytes",
        kind: "u64",
        unit: "bytes",
        member: "SAMPLE_EVENT.rss_bytes",
        ts: "number",
        doc: "Resident set size.",
      },
      { name: "threads", kind: "u32", unit: "count", member: "SAMPLE_EVENT.threads", doc: "Number of threads." },
    ],
  },
  page_fault: {
    doc: "With `--page-faults`: a page fault of a process at a user-space address. At most ten events per second and process.",
    isOfProcess: true,
    fields: [
      {
        name: "address",
        kind: "u64",
        member: "PAGE_FAULT_EVENT.address",
        doc: "The address that the process accessed.",
      },
      { name: "ip", kind: "u64", member: "PAGE_FAULT_EVENT.ip", doc: "Address of the instruction that accessed it." },
      { name: "write", kind: "boolean", part: "isWrite", doc: "Whether the access was a write." },
      {
        name: "suppressed",
        kind: "u64",
        unit: "count",
        member: "PAGE_FAULT_EVENT.suppressed",
        ts: "number",
        doc: "Number of page faults of this process since its previous `page_fault` event that linnix did not report.",
      },
    ],
  },
  totals: {
    doc: "With `--detail summary`: what happened in a group of processes during an interval. A group is the processes of one cgroup that have the same name. linnix writes a line for a group if something happened in the group, or if samples show that its processes used CPU time.",
    isOfProcess: false,
    fields: [
      { ...TIME, doc: "The end of the interval: RFC 3339, UTC, with nanoseconds." },
      TS_NS,
      { name: "from_ns", kind: "u64", unit: "ns", doc: "The start of the interval on CLOCK_BOOTTIME." },
      { name: "to_ns", kind: "u64", unit: "ns", doc: "The end of the interval on CLOCK_BOOTTIME." },
      {
        name: "cgroup_id",
        kind: "u64",
        unknown: "null",
        doc: "Id of the cgroup in the v2 hierarchy. Null if it is unknown, or if the line is the rest of all cgroups: see `other`.",
      },
      { name: "comm", kind: "text", doc: "Name of the processes. `other` if the line is a rest." },
      {
        name: "other",
        kind: "boolean",
        doc: "Whether the line is a rest: the sum of the names of a cgroup beyond the first 64, or the sum of all groups for which linnix had no room.",
      },
      { name: "cgroup", kind: "text", unknown: "left out", doc: "Path of the cgroup." },
      { name: "container", kind: "container", unknown: "left out", doc: "The container of the cgroup." },
      {
        name: "unit",
        kind: "text",
        unknown: "left out",
        doc: "The systemd unit of the cgroup, from the host's systemd.",
      },
      { name: "started", kind: "u32", unit: "count", doc: "Number of new processes, counted by their name at birth." },
      { name: "execs", kind: "u32", unit: "count", doc: "Number of execs, counted by the new name." },
      {
        name: "exited",
        kind: "object",
        ts: "{ ok: number | null; error: number | null; signal: number | null; unknown: number }",
        doc: "Processes that ended with code 0 (`ok`), with another code (`error`) or by a signal (`signal`). If the backend does not report how processes end, `unknown` counts all of them, and `ok`, `error` and `signal` are null.",
      },
      total("exited_cpu_user_ns", "ns", "User CPU time of the processes that ended."),
      total("exited_cpu_system_ns", "ns", "System CPU time of the processes that ended."),
      total(
        "cpu_ns",
        "ns",
        "CPU time that the group used in the interval, including running processes. Null without sampling.",
      ),
      total("peak_rss_bytes", "bytes", "The largest peak resident set size of a process that ended."),
      total("read_bytes", "bytes", "Bytes that ended processes read from storage."),
      total("write_bytes", "bytes", "Bytes that ended processes wrote to storage."),
      total("running", "count", "Processes alive at the end of the interval. Null if the line is a rest."),
      total(
        "rss_bytes",
        "bytes",
        "Resident set size of the `running` processes. Null if the line is a rest, and without sampling.",
      ),
      {
        name: "lifetime_ns",
        kind: "object",
        unknown: "null",
        ts: "[bucket: number, count: number][]",
        doc: "Lifetimes of the processes that ended, as pairs: `count` processes lived at least 2^`bucket` ns and less than twice that.",
      },
    ],
  },
  storm: {
    doc: "The events of a source exceed the rate of `--storm-rate`. Between the lines `begin` and `end`, linnix counts the forks, execs and exits of the source instead of sending them. It still sends an exec if no process of this name did an exec in this storm in the last minute, and later the exit of that process. It sends at most 20 such execs a second. See storms.md.",
    isOfProcess: false,
    fields: [
      ...NOTICE_FIELDS,
      { name: "state", kind: "text", ts: '"begin" | "end"', doc: "Whether the storm begins or ends." },
      {
        name: "source",
        kind: "object",
        ts: "StormSource",
        doc: "The source of the events. `kind` is `process` (the process that forks), `cgroup` or `uid`. `pid`, `start_ns`, `cgroup_id`, `cgroup`, `uid` and `comm` are null if they do not apply or are unknown.",
      },
      {
        name: "suppressed",
        kind: "object",
        unknown: "null",
        ts: "{ fork: number; exec: number; exit: number }",
        doc: "At the end: the number of counted events.",
      },
      {
        name: "exited",
        kind: "object",
        unknown: "null",
        ts: "{ ok: number | null; error: number | null; signal: number | null; unknown: number }",
        doc: "At the end: the number of counted exits by result, as `exited` of `totals`.",
      },
      total("exited_cpu_user_ns", "ns", "At the end: user CPU time of the counted exits."),
      total("exited_cpu_system_ns", "ns", "At the end: system CPU time of the counted exits."),
      {
        name: "comms",
        kind: "object",
        unknown: "null",
        ts: "{ comm: string; count: number }[]",
        doc: "At the end: the ten names with the most counted events. Counts can be too low in a storm of many names: see storms.md.",
      },
      total("window_ns", "ns", "At the end: the time during which linnix counted events."),
    ],
  },
  lost: {
    doc: "Records of a CPU were lost: they did not reach user space.",
    isOfProcess: false,
    fields: [
      ...NOTICE_FIELDS,
      { name: "cpu", kind: "u32", doc: "The CPU of the lost records." },
      {
        name: "reason",
        kind: "text",
        ts: '"ring_full" | "no_ring"',
        doc: "`ring_full`: the ring of the CPU was full. `no_ring`: the CPU had no ring after it came online, and the spare ring was full.",
      },
      { name: "count", kind: "u32", unit: "count", doc: "Records lost since the last event with this CPU and reason." },
    ],
  },
  degraded: {
    doc: "The collector reduces its work to stay within its CPU budget, restores it, or can reduce nothing more.",
    isOfProcess: false,
    fields: [
      ...NOTICE_FIELDS,
      {
        name: "step",
        kind: "text",
        ts: "BudgetStep",
        doc: "What the collector does from now on, from most to least work: all that is configured (`as_set`), fewer samples (`fewer_samples`), no samples (`no_samples`), a lower storm rate as well (`storm_rate`), then less detail as well (`processes`, `summary`).",
      },
      {
        name: "level",
        kind: "u32",
        doc: "The position of `step` in that order. 0: the collector does all that is configured.",
      },
      {
        name: "reason",
        kind: "text",
        doc: "Why the collector changed its work, or that it can reduce nothing more, as a sentence.",
      },
      {
        name: "cost_pct",
        kind: "number",
        unit: "% of one core",
        unknown: "null",
        doc: "Cost of collecting in the last window of ten seconds: user space, and the kernel side's share for sent events. Null before the first window ends.",
      },
      { name: "budget_pct", kind: "number", unit: "% of one core", doc: "The CPU budget. 0: there is none." },
    ],
  },
  unwritten: {
    doc: "Lines are missing before this line, because the output did not accept them for a while.",
    isOfProcess: false,
    fields: [
      { ...TIME, doc: "When the output accepted the next line: RFC 3339, UTC, with nanoseconds." },
      TS_NS,
      { name: "lines", kind: "u32", unit: "count", doc: "Number of missing lines." },
      { name: "bytes", kind: "u32", unit: "bytes", doc: "Size of the missing lines." },
      { name: "by_type", kind: "object", ts: "UnwrittenByType", doc: "Number of missing lines by `type`." },
    ],
  },
} as const satisfies Record<string, EventTypeRow>;

export type EventTypeName = keyof typeof EVENT_FIELDS;

/** All fields of a type except `type` itself, in the order of the JSON. */
export function fieldsOf(type: EventTypeName): readonly FieldRow[] {
  const { isOfProcess, fields } = EVENT_FIELDS[type] as EventTypeRow;
  return isOfProcess ? [...HEAD_FIELDS, ...fields] : fields;
}

/** Names of all types, in the order of docs/events.md. */
export const EVENT_TYPE_NAMES = Object.keys(EVENT_FIELDS) as readonly EventTypeName[];
