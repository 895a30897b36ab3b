import { printable } from "../json/printable.ts";
import type { StormSource } from "../wire/storm-source.ts";

/** The source of a storm as text for people, such as `user 1000`. */
export function sourceText({ kind, pid, cgroup, cgroup_id, uid, comm }: StormSource): string {
  if (kind === "process") return `process ${pid}${comm === null ? "" : ` (${printable(comm)})`}`;
  return kind === "uid" ? `user ${uid}` : `cgroup ${cgroup === null ? cgroup_id : printable(cgroup)}`;
}
