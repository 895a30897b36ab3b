import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { cannotRunError, usageError } from "../errors.ts";
import { hasKernelPids } from "../procfs/pid-namespace.ts";
import type { CgroupRef } from "../wire/cgroup-ref.ts";
import { readCgroupMounts, readV1Mounts } from "./cgroup-mount.ts";
import { isInInitialCgroupNamespace } from "./cgroup-namespace.ts";
import { readMembership } from "./proc-cgroup.ts";

/** A cgroup as the kernel side compares it: its id, and its level, which is the number of its ancestors. */
export interface ResolvedCgroup {
  id: bigint;
  level: number;
  /** Absolute path of its directory. */
  directory: string;
  /** Device number of the v2 hierarchy. */
  device: bigint;
  /** Path from the mounted cgroup, without a slash at its end; empty for the mounted cgroup itself. */
  path: string;
  /** The mounted cgroup. */
  base: { id: bigint; level: number };
}

/** Where the v2 hierarchy is mounted; undefined if it is not. */
export function cgroup2Mount(): string | undefined {
  return readCgroupMounts().v2?.point;
}

/**
 * @throws LinnixError: exit code 2 if the v2 hierarchy is not mounted or does not contain the cgroup; 3 if linnix
 * cannot find out the level of the cgroup in this cgroup namespace
 */
export function resolveCgroup(ref: CgroupRef): ResolvedCgroup {
  const { v2 } = readCgroupMounts();
  if (v2 === undefined) {
    throw usageError("cgroup", {
      what: "--cgroup cannot be used",
      why: "the cgroup v2 hierarchy is not mounted",
      hint: "mount -t cgroup2 none /sys/fs/cgroup/unified, or leave --cgroup out",
      setting: "filters.cgroup",
    });
  }
  const mount = v2.point;
  const found = "path" in ref ? byPath(mount, ref.path) : byId(mount, ref.id);
  if (!found) {
    const inV1 = "path" in ref ? v1Directory(ref.path) : undefined;
    throw usageError("cgroup", {
      what: `--cgroup ${"path" in ref ? ref.path : ref.id} is not known`,
      why: `there is no such cgroup below ${mount}${inV1 === undefined ? "" : `; ${inV1} is of a v1 hierarchy, which --cgroup does not watch`}`,
      hint: "give the path of a directory below that mount, such as /system.slice, or its inode number",
      setting: "filters.cgroup",
    });
  }
  const base = statSync(mount, { bigint: true });
  const baseLevel = levelOfMount(v2.root);
  return {
    id: found.id,
    level: found.level + baseLevel,
    directory: `${mount}${found.path}`,
    device: base.dev,
    path: found.path,
    base: { id: base.ino, level: baseLevel },
  };
}

/** The parent of all kernel threads, in the initial pid namespace: it is always in the root of the hierarchy. */
const KTHREADD = 2;

/**
 * The level of the mounted cgroup in the whole hierarchy.
 * @param root that cgroup's path from the root of our cgroup namespace, as in mountinfo, such as `/` or `/../..`
 */
function levelOfMount(root: string): number {
  const kthreadd = isInInitialCgroupNamespace() ? "/" : hasKernelPids() ? readMembership(KTHREADD)?.v2 : undefined;
  const up = kthreadd?.split("/").filter((part) => part !== "");
  if (up === undefined || up.some((part) => part !== "..")) {
    throw cannotRunError("cgroup-namespace", {
      what: "--cgroup cannot be used",
      why: "linnix runs in its own cgroup namespace and cannot find out the depth of the cgroup in the hierarchy",
      hint: "docker run --pid=host or --cgroupns=host, or leave --cgroup out",
      setting: "filters.cgroup",
    });
  }
  const down = root.split("/").filter((part) => part !== "");
  return up.length + down.reduce((level, part) => level + (part === ".." ? -1 : 1), 0);
}

interface FoundCgroup {
  id: bigint;
  level: number;
  /** Path from the mount point. */
  path: string;
}

function byPath(mount: string, path: string): FoundCgroup | undefined {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) return undefined;
  try {
    const found = parts.map((part) => `/${part}`).join("");
    const status = statSync(`${mount}${found}`, { bigint: true });
    // A file of a cgroup also has an inode number, but it is not a cgroup.
    return status.isDirectory() ? { id: status.ino, level: parts.length, path: found } : undefined;
  } catch {
    return undefined;
  }
}

function byId(mount: string, id: bigint, path = "", level = 0): FoundCgroup | undefined {
  const directory = `${mount}${path}`;
  try {
    if (statSync(directory, { bigint: true }).ino === id) return { id, level, path };
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const found = entry.isDirectory() ? byId(mount, id, `${path}/${entry.name}`, level + 1) : undefined;
      if (found) return found;
    }
  } catch {
    // A cgroup may be removed during the walk.
  }
  return undefined;
}

/** Directory of a v1 cgroup with that path; undefined if there is none. */
function v1Directory(path: string): string | undefined {
  return readV1Mounts()
    .map((mount) => join(mount, path))
    .find((directory) => existsSync(directory));
}
