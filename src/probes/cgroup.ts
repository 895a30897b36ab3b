import { readdirSync, statSync } from "node:fs";
import type { CgroupRef } from "../config/sections/filters.ts";
import { usageError } from "../errors.ts";
import { readCgroupMounts } from "../identity/cgroup-mount.ts";

/** A cgroup as the kernel side compares it: its id, and how many ancestors it has. */
export interface ResolvedCgroup {
  id: bigint;
  level: number;
}

/** Where the v2 hierarchy is mounted; undefined where it is not. */
export function cgroup2Mount(): string | undefined {
  return readCgroupMounts().v2?.point;
}

/** @throws LinnixError (exit code 2) when there is no such cgroup */
export function resolveCgroup(ref: CgroupRef): ResolvedCgroup {
  const mount = cgroup2Mount();
  if (mount === undefined) {
    throw usageError("cgroup", {
      what: "--cgroup cannot be used",
      why: "the cgroup v2 hierarchy is not mounted",
      mend: "mount -t cgroup2 none /sys/fs/cgroup/unified, or leave --cgroup out",
    });
  }
  const found = "path" in ref ? byPath(mount, ref.path) : byId(mount, ref.id);
  if (found) return found;
  throw usageError("cgroup", {
    what: `--cgroup ${"path" in ref ? ref.path : ref.id} is not known`,
    why: `there is no such cgroup below ${mount}`,
    mend: "name a directory there by its path from that root, such as /system.slice, or give its inode number",
  });
}

function byPath(mount: string, path: string): ResolvedCgroup | undefined {
  const parts = path.split("/").filter((part) => part !== "");
  if (parts.includes("..")) return undefined;
  try {
    const { ino } = statSync([mount, ...parts].join("/"), { bigint: true });
    return { id: ino, level: parts.length };
  } catch {
    return undefined;
  }
}

function byId(directory: string, id: bigint, level = 0): ResolvedCgroup | undefined {
  try {
    if (statSync(directory, { bigint: true }).ino === id) return { id, level };
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const found = entry.isDirectory() ? byId(`${directory}/${entry.name}`, id, level + 1) : undefined;
      if (found) return found;
    }
  } catch {
    // A cgroup may go while we look.
  }
  return undefined;
}
