import type { BackendName } from "./backend-name.ts";

/**
 * A file that each process has where the kernel counts bytes read and written, CONFIG_TASK_IO_ACCOUNTING
 * (fs/proc/base.c): then, and then only, task_struct has the two counts too.
 */
export const IO_ACCOUNTING_FILE = "/proc/self/io";

const IO_FIELDS = ["read_bytes", "write_bytes"] as const;

/** What only task_struct knows. */
const TRACEPOINT_MISSING_FIELDS = [
  "start_ns",
  "ns_pid",
  "args",
  "args_truncated",
  "exit_code",
  "signal",
  "core_dumped",
  "cpu_user_ns",
  "cpu_system_ns",
  "peak_rss_bytes",
  "minor_faults",
  "major_faults",
  ...IO_FIELDS,
] as const;

/**
 * Event fields that a backend cannot give on a kernel.
 * @param exists whether there is a file of that path on its machine
 */
export function missingFields(backend: BackendName, exists: (path: string) => boolean): readonly string[] {
  if (backend === "tracepoint") return TRACEPOINT_MISSING_FIELDS;
  return exists(IO_ACCOUNTING_FILE) ? [] : IO_FIELDS;
}
