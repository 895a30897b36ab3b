import { readFileSync } from "node:fs";

export interface CgroupMounts {
  /** Where the v2 hierarchy is mounted, and which cgroup of it that is, seen from our cgroup namespace. */
  v2: { point: string; root: string } | undefined;
  /** Whether there are v1 hierarchies. */
  hasV1: boolean;
}

/** Reads /proc/self/mountinfo (proc(5)). */
export function readCgroupMounts(mountinfo = readFileSync("/proc/self/mountinfo", "utf8")): CgroupMounts {
  const mounts: CgroupMounts = { v2: undefined, hasV1: false };
  for (const line of mountinfo.split("\n")) {
    const [left = "", right = ""] = line.split(" - ");
    const [, , , root, point] = left.split(" ");
    if (root === undefined || point === undefined) continue;
    if (right.startsWith("cgroup ")) mounts.hasV1 = true;
    // A mount of the whole hierarchy shows more than one of a part of it.
    if (right.startsWith("cgroup2 ") && (mounts.v2 === undefined || (root === "/" && mounts.v2.root !== "/"))) {
      mounts.v2 = { point: unescaped(point), root: unescaped(root) };
    }
  }
  return mounts;
}

/** Blanks and backslashes are written as octal numbers. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
