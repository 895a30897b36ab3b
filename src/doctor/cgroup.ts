import { cgroupMounts } from "../cgroup/cgroup-mount.ts";
import { FOREIGN_HINT } from "../cgroup/cgroup-namespace.ts";
import type { Mount } from "../procfs/mountinfo.ts";
import type { Check } from "./check.ts";
import type { KernelFacts } from "./kernel.ts";
import type { NamespaceFacts } from "./namespaces.ts";
import { holds, mayLoad, type PrivilegeFacts } from "./privileges.ts";

export interface CgroupFacts {
  /** Where the v2 tree is mounted; null if it is not. */
  unifiedTarget: string | null;
  /** Hierarchies of v1. */
  legacyCount: number;
}

export function readCgroup(mounts: readonly Mount[]): CgroupFacts {
  return {
    unifiedTarget: cgroupMounts(mounts).v2?.point ?? null,
    legacyCount: new Set(mounts.filter((mount) => mount.type === "cgroup").map((mount) => mount.device)).size,
  };
}

export function checkCgroup(cgroup: CgroupFacts): Check {
  const check = { id: "cgroup", title: "cgroups" };
  const { unifiedTarget, legacyCount } = cgroup;
  if (unifiedTarget === null) {
    return {
      ...check,
      status: "warn",
      found: legacyCount > 0 ? `v1 only, ${hierarchies(legacyCount)}` : "not mounted",
      costs: "the cgroup_id of events has no path: cgroup, container and unit may be null",
      hint: "boot with systemd.unified_cgroup_hierarchy=1, or mount -t cgroup2 none DIRECTORY",
    };
  }
  if (legacyCount === 0) return { ...check, status: "ok", found: `v2 on ${unifiedTarget}` };
  return {
    ...check,
    status: "info",
    found: `hybrid: v2 on ${unifiedTarget} beside ${hierarchies(legacyCount)} of v1`,
    costs: "cgroup_id is the id in v2, which all containers of v1 share; cgroup, container and unit distinguish them",
  };
}

/** Checks how linnix gets the path of a cgroup from its id, also for a cgroup that was removed before the lookup. */
export function checkCgroupNames(
  cgroup: CgroupFacts,
  kernel: KernelFacts,
  privileges: PrivilegeFacts,
  namespaces: NamespaceFacts,
): Check {
  const check = { id: "cgroup-names", title: "cgroup names" };
  const seesAll =
    cgroup.unifiedTarget !== null && holds(privileges, "CAP_DAC_READ_SEARCH") && holds(privileges, "CAP_SYS_ADMIN");
  if (namespaces.inInitialCgroupNamespace === false && !seesAll) {
    return {
      ...check,
      status: "warn",
      found: "only those of this cgroup namespace, which is not the initial one (a container?)",
      costs: "cgroup, container and unit are null for cgroups outside of it that existed before the start",
      hint: FOREIGN_HINT,
    };
  }
  if (cgroup.unifiedTarget === null) return { ...check, status: "info", found: "from /proc/PID/cgroup alone" };
  const present = holds(privileges, "CAP_DAC_READ_SEARCH") ? "by file handle" : "from /proc/PID/cgroup, or by search";
  if (!mayLoad(privileges)) return { ...check, status: "info", found: present };
  if (kernel.btf.features?.cgroupTracepoint) {
    return { ...check, status: "ok", found: `${present}; names of removed cgroups are recorded at their creation` };
  }
  return {
    ...check,
    status: "info",
    found: `${present}; the kernel does not report new cgroups`,
    costs: "cgroup, container and unit are absent for a cgroup that is removed before linnix looks it up",
  };
}

function hierarchies(count: number): string {
  return `${count} ${count === 1 ? "hierarchy" : "hierarchies"}`;
}
