/**
 * The conditions in which a collector sees less than it promises, each with its help text for the metric. A name is
 * part of the public interface: it is the label `reason` of `linnix_degraded`.
 */
export const CONDITIONS = {
  no_ring: "a CPU has no ring of its own, so its events may be lost",
  output_blocked: "the output accepts no lines, so events are missing once its buffer is full",
  watched_cgroup_gone: "the watched cgroup does not exist",
  watched_process_gone: "all watched processes have ended",
  foreign_pid_namespace: "/proc shows a pid namespace other than the initial one",
  foreign_cgroup_namespace: "cgroup paths outside of this cgroup namespace are not readable",
  foreign_time_namespace: "the clocks of this time namespace differ from the kernel's",
  map_full: "a kernel map had no room for some processes, so fields of their events may be null",
  unexplained_forks: "in the last minute, the kernel created processes or threads that the collector did not see",
  sampler_full: "the sampler has no room for some processes, so they have no samples",
} as const;

export type ConditionName = keyof typeof CONDITIONS;

export const CONDITION_NAMES = Object.keys(CONDITIONS) as ConditionName[];
