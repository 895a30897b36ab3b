import { EVENT_TYPE_NAMES, fieldsOf, type KnownBit } from "../wire/fields.ts";
import type { BackendName } from "./backend-name.ts";

/** The fields that the tracepoint backend can know. Only task_struct has the others. */
const TRACEPOINT_KNOWN: readonly KnownBit[] = [
  "KNOWN_PPID",
  "KNOWN_CGROUP",
  "KNOWN_EXE",
  "KNOWN_OLD_COMM",
  "KNOWN_EXEC_COUNT",
];

/**
 * The first file exists only if the kernel counts bytes read and written (CONFIG_TASK_IO_ACCOUNTING), the second only
 * if it stores login uids (CONFIG_AUDIT): see fs/proc/base.c. task_struct has the members under the same conditions.
 */
export const IO_ACCOUNTING_FILE = "/proc/self/io";
export const LOGIN_UID_FILE = "/proc/self/loginuid";

const FILES: readonly (readonly [KnownBit, path: string])[] = [
  ["KNOWN_IO", IO_ACCOUNTING_FILE],
  ["KNOWN_AUID", LOGIN_UID_FILE],
];

/**
 * Event fields that a backend cannot report on a kernel, in their order in events.
 * @param exists whether the machine has a file of that path
 */
export function missingFields(backend: BackendName, exists: (path: string) => boolean): readonly string[] {
  const lacks = new Set(FILES.filter(([, path]) => !exists(path)).map(([bit]) => bit));
  const isMissing = (bit: KnownBit) => lacks.has(bit) || (backend === "tracepoint" && !TRACEPOINT_KNOWN.includes(bit));
  const names = EVENT_TYPE_NAMES.flatMap(fieldsOf).filter(({ known }) => known !== undefined && isMissing(known));
  return [...new Set(names.map(({ name }) => name))];
}
