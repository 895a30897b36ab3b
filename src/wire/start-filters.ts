/** The filters of a run, in the `start` line. */
export interface StartFilters {
  /** Types of events that are reported: fork, exec, exit. */
  events: readonly string[];
  pids: readonly number[];
  uids: readonly number[];
  comms: readonly string[];
  /** Path or id. */
  cgroup: string | bigint | null;
  min_duration_ns: number;
}
