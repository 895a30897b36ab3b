/** Event fields that the `tracepoint` backend cannot give: what only task_struct knows. */
export const TRACEPOINT_MISSING_FIELDS = [
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
  "read_bytes",
  "write_bytes",
] as const;
