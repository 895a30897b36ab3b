/** The source whose events a storm counts. A member is null if it does not apply or is unknown. */
export interface StormSource {
  /** `process`: the process that forks. */
  kind: "process" | "cgroup" | "uid";
  pid: number | null;
  start_ns: bigint | null;
  cgroup_id: bigint | null;
  /** Path in the hierarchy. */
  cgroup: string | null;
  uid: number | null;
  comm: string | null;
}
