import { readFileSync } from "node:fs";
import { cgroupMounts, readCgroupMounts } from "../../cgroup/cgroup-mount.ts";
import { cannotRunError } from "../../errors.ts";
import { type Mount, parseMountinfo, visibleMounts } from "../../procfs/mountinfo.ts";

/** The controllers that limit a storm. */
export const CONTROLLERS = ["cpu", "pids"] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** The mounted hierarchies in which the cgroups of a storm can be made. */
export interface Hierarchy {
  /** Mount point of the v2 hierarchy. */
  root: string;
  /** Controllers that v2 has here, and that its root has not enabled for its children. */
  missing: readonly Controller[];
  /** Controllers that a v1 hierarchy has, with its mount point. */
  legacy: ReadonlyMap<Controller, string>;
}

/** @throws LinnixError (exit code 3) if v2 is not mounted, or a controller is in no hierarchy */
export function readHierarchy(): Hierarchy {
  const mounts = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"));
  return hierarchyOf(mounts, readCgroupMounts().v2?.point, (path) => readFileSync(path, "utf8"));
}

/**
 * @param root mount point of v2; undefined if it is not mounted
 * @param read returns the text of a file
 * @throws see {@link readHierarchy}
 */
export function hierarchyOf(
  mounts: readonly Mount[],
  root: string | undefined = cgroupMounts(mounts).v2?.point,
  read: (path: string) => string,
): Hierarchy {
  if (root === undefined) {
    throw cannotRunError("cgroup", {
      what: "overhead-test --storm cannot run here",
      why: "the cgroup v2 hierarchy is not mounted",
      hint: "mount -t cgroup2 none /sys/fs/cgroup, or boot with systemd.unified_cgroup_hierarchy=1",
    });
  }
  const words = (file: string): string[] => read(`${root}/${file}`).trim().split(/\s+/);
  const available = words("cgroup.controllers");
  const enabled = words("cgroup.subtree_control");
  const v1 = visibleMounts(mounts).filter(({ type }) => type === "cgroup");
  const missing: Controller[] = [];
  const legacy = new Map<Controller, string>();
  for (const controller of CONTROLLERS) {
    if (available.includes(controller)) {
      if (!enabled.includes(controller)) missing.push(controller);
      continue;
    }
    const mount = v1.find(({ options }) => options.includes(controller));
    if (mount === undefined) throw noController(controller, root);
    legacy.set(controller, mount.target);
  }
  return { root, missing, legacy };
}

function noController(controller: Controller, root: string) {
  return cannotRunError("cgroup", {
    what: "overhead-test --storm cannot run here",
    why: `the cgroup controller ${controller} bounds the storm, but neither ${root}/cgroup.controllers nor a mounted v1 hierarchy has it`,
    hint:
      "boot a kernel with CONFIG_CGROUP_PIDS and CONFIG_FAIR_GROUP_SCHED and without cgroup_disable=, " +
      "or run linnix on the host instead of in a container",
  });
}
