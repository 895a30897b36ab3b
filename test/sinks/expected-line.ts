/** The expected line of JSON, computed from the table of fields by slow code that shares nothing with the encoder. */
import { jsonText } from "../../src/json/byte-writer.ts";
import { textOf } from "../../src/json/text.ts";
import type { EventView } from "../../src/process/event-view.ts";
import { signalName } from "../../src/process/signal-name.ts";
import { type EventTypeName, type FieldRow, fieldsOf, type KnownBit } from "../../src/wire/fields.ts";
import * as layout from "../../src/wire/layout.gen.ts";

type Values = { [field: string]: unknown };

const TYPES: { [type: number]: EventTypeName } = {
  [layout.EVENT_FORK]: "fork",
  [layout.EVENT_EXEC]: "exec",
  [layout.EVENT_EXIT]: "exit",
  [layout.EVENT_PROCESS]: "process",
  [layout.EVENT_SAMPLE]: "sample",
  [layout.EVENT_PAGE_FAULT]: "page_fault",
};

const NUMBERS = layout as unknown as Record<KnownBit, number>;
const STRUCTS = layout as unknown as { [struct: string]: { [field: string]: number } };

const orNull = (value: number) => (value < 0 ? null : value);

/** Values by part. A field that is undefined is absent from the line. */
const PARTS: { [part: string]: (view: EventView) => Values } = {
  time: (view) => ({ time: view.time, ts_ns: view.record.big(layout.PROCESS_EVENT.ts_ns) }),
  cpu: ({ cpu, type }) => ({ cpu: type === layout.EVENT_SAMPLE && cpu === layout.NO_CPU ? null : cpu }),
  ppid: ({ ppid }) => ({ ppid: orNull(ppid) }),
  comm: ({ comm }) => ({ comm: textOf(comm) }),
  place: (view) => {
    const { cgroup, container, unit } = view.identity?.ofEvent(view) ?? {};
    return { cgroup: cgroup ?? undefined, container: container ?? undefined, unit: unit ?? undefined };
  },
  image: ({ exeText, argsText, argsTruncated, exeTruncated }) => {
    return { exe: exeText, args: argsText, args_truncated: argsTruncated, exe_truncated: exeTruncated };
  },
  oldComm: ({ oldCommKnown, oldComm }) => ({ old_comm: oldCommKnown ? textOf(oldComm) : null }),
  status: ({ known, status }) => {
    const signal = status & 0x7f;
    const isKnown = (known & layout.KNOWN_STATUS) !== 0;
    return {
      exit_code: isKnown && signal === 0 ? (status >>> 8) & 0xff : null,
      signal: isKnown && signal !== 0 ? signalName(signal) : null,
      core_dumped: isKnown ? (status & 0x80) !== 0 : null,
    };
  },
  duration: ({ durationNs }) => ({ duration_ns: orNull(durationNs) }),
  cpuTime: ({ known, cpuNs, cpuUserNs }) => {
    const isKnown = (known & layout.KNOWN_CPU) !== 0;
    return { cpu_user_ns: isKnown ? cpuUserNs : null, cpu_system_ns: isKnown ? cpuNs - cpuUserNs : null };
  },
  cpuPct: ({ cpuPct }) => ({ cpu_pct: cpuPct }),
  isWrite: ({ known }) => ({ write: (known & layout.FAULT_WRITE) !== 0 }),
};

function fieldOf({ name, part, known, member, kind, unknown, ts }: FieldRow, view: EventView): unknown {
  if (part !== undefined) return PARTS[part]?.(view)[name];
  const isKnown = known === undefined || (view.known & NUMBERS[known]) !== 0;
  if (!isKnown) return unknown === "null" ? null : undefined;
  const [struct = "", field = ""] = member?.split(".") ?? [];
  const offset = STRUCTS[struct]?.[field] as number;
  if (kind === "u32") return view.record.u32(offset);
  return ts === "number" ? view.record.u64(offset) : view.record.big(offset);
}

function json(name: string, value: unknown): string {
  if (name === "cpu_pct") return (value as number).toFixed(3);
  // A whole number is written with all its digits, as a number or a bigint.
  return typeof value === "number" && Number.isInteger(value) ? String(BigInt(value)) : jsonText(value);
}

export function expectedLine(view: EventView): string {
  const type = TYPES[view.type] as EventTypeName;
  const members = fieldsOf(type).map((row) => [row.name, fieldOf(row, view)] as const);
  const known = members.filter(([, value]) => value !== undefined);
  return `{"type":"${type}",${known.map(([name, value]) => `"${name}":${json(name, value)}`).join(",")}}`;
}
