import { printable } from "../json/printable.ts";
import type { StormSource } from "../wire/storm-source.ts";

/** The source as people read it. */
export function sourceText({ kind, pid, cgroup, cgroup_id, uid, comm }: StormSource): string {
  if (kind === "process") return `process ${pid}${comm === null ? "" : ` (${printable(comm)})`}`;
  return kind === "uid" ? `user ${uid}` : `cgroup ${cgroup === null ? cgroup_id : printable(cgroup)}`;
}
