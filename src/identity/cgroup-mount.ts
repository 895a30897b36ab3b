import { readFileSync } from "node:fs";
import { type Mount, parseMountinfo } from "../mountinfo.ts";

export interface CgroupMounts {
  /** Where the v2 hierarchy is mounted, and which cgroup of it that is, seen from our cgroup namespace. */
  v2: { point: string; root: string } | undefined;
  /** Whether there are v1 hierarchies. */
  hasV1: boolean;
}

/** Reads /proc/self/mountinfo. */
export function readCgroupMounts(mountinfo = readFileSync("/proc/self/mountinfo", "utf8")): CgroupMounts {
  return cgroupMounts(parseMountinfo(mountinfo));
}

/** The cgroup filesystems among mounts. */
export function cgroupMounts(mounts: readonly Mount[]): CgroupMounts {
  const v2 = mounts.filter(({ type }) => type === "cgroup2");
  // A mount of the whole hierarchy shows more than one of a part of it.
  const best = v2.find(({ root }) => root === "/") ?? v2[0];
  return {
    v2: best && { point: best.target, root: best.root },
    hasV1: mounts.some(({ type }) => type === "cgroup"),
  };
}
