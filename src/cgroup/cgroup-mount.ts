import { readFileSync, statfsSync } from "node:fs";
import { type Mount, parseMountinfo, visibleMounts } from "../procfs/mountinfo.ts";

export interface CgroupMounts {
  /**
   * Where the v2 hierarchy is mounted, and the mounted cgroup as a path from the root of this process's cgroup
   * namespace.
   */
  v2: { point: string; root: string } | undefined;
  /** Whether there are v1 hierarchies. */
  hasV1: boolean;
}

/** CGROUP2_SUPER_MAGIC of include/uapi/linux/magic.h. */
const CGROUP2_MAGIC = 0x63677270;

/** The cgroup filesystems that this process sees. */
export function readCgroupMounts(): CgroupMounts {
  return cgroupMounts(parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")), isCgroup2);
}

/** Mount points of the v1 hierarchies that this process sees. */
export function readV1Mounts(): string[] {
  const mounts = visibleMounts(parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")));
  return mounts.filter(({ type }) => type === "cgroup").map(({ target }) => target);
}

/**
 * The cgroup filesystems among `mounts`. A v2 mount under another mount does not count.
 * @param shows whether the filesystem that a path shows is the v2 hierarchy
 */
export function cgroupMounts(mounts: readonly Mount[], shows: (path: string) => boolean = () => true): CgroupMounts {
  const v2 = visibleMounts(mounts).filter(({ type, target }) => type === "cgroup2" && shows(target));
  // Prefer a mount of the whole hierarchy over a mount of a part.
  const best = v2.find(({ root }) => root === "/") ?? v2[0];
  return {
    v2: best && { point: best.target, root: best.root },
    // A v1 mount under another mount counts too, because /proc/PID/cgroup still contains the paths in that hierarchy.
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
