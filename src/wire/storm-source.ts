/** Whose events a storm counts; null: it does not apply, or is not known. */
export interface StormSource {
  /** `process`: the one that forks. */
  kind: "process" | "cgroup" | "uid";
  pid: number | null;
  start_ns: bigint | null;
  cgroup_id: bigint | null;
  /** Path in the hierarchy. */
  cgroup: string | null;
  uid: number | null;
  comm: string | null;
}
