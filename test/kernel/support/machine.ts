import { readFileSync, statSync } from "node:fs";
import { cgroup2Mount } from "../../../src/cgroup/cgroup.ts";

/** Id of this process's cgroup in the v2 hierarchy: its directory's inode. */
export function ownCgroupId(): bigint {
  const path = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1] ?? "/";
  const mount = cgroup2Mount();
  // Without a mounted hierarchy only its root is known: kernfs assigns inode 1 to it.
  if (mount === undefined) return 1n;
  return statSync(`${mount}${path === "/" ? "" : path}`, { bigint: true }).ino;
}

/** CPUs that this process may run on. */
export function allowedCpus(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return list.split(",").flatMap((range) => {
    const [from = 0, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}

/** Whether a process runs; false for a zombie. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}
