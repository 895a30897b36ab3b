import { readFileSync, statfsSync } from "node:fs";
import { type Mount, parseMountinfo, visibleMounts } from "../procfs/mountinfo.ts";

export interface CgroupMounts {
  /** Where the v2 hierarchy is mounted, and which cgroup of it that is, seen from our cgroup namespace. */
  v2: { point: string; root: string } | undefined;
  /** Whether there are v1 hierarchies. */
  hasV1: boolean;
}

/** CGROUP2_SUPER_MAGIC of include/uapi/linux/magic.h. */
const CGROUP2_MAGIC = 0x63677270;

/** Of this process. */
export function readCgroupMounts(): CgroupMounts {
  return cgroupMounts(parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")), isCgroup2);
}

/** Where v1 hierarchies are mounted for this process. */
export function readV1Mounts(): string[] {
  const mounts = visibleMounts(parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")));
  return mounts.filter(({ type }) => type === "cgroup").map(({ target }) => target);
}

/**
 * The cgroup filesystems among mounts. A mount that is covered by another one is none.
 * @param shows asks the path itself whether the v2 hierarchy is there
 */
export function cgroupMounts(mounts: readonly Mount[], shows: (path: string) => boolean = () => true): CgroupMounts {
  const v2 = visibleMounts(mounts).filter(({ type, target }) => type === "cgroup2" && shows(target));
  // A mount of the whole hierarchy shows more than one of a part of it.
  const best = v2.find(({ root }) => root === "/") ?? v2[0];
  return {
    v2: best && { point: best.target, root: best.root },
    // Covered or not: processes are in them, and /proc/PID/cgroup has their paths.
    hasV1: mounts.some(({ type }) => type === "cgroup"),
  };
}

function isCgroup2(path: string): boolean {
  try {
    return statfsSync(path).type === CGROUP2_MAGIC;
  } catch {
    return false;
  }
}
