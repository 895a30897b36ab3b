import { readlinkSync } from "node:fs";

/** PROC_CGROUP_INIT_INO of include/linux/proc_ns.h. */
export const INITIAL_CGROUP_NAMESPACE = "cgroup:[4026531835]";

/** The hint that says how linnix gets access to cgroups outside its namespace. */
export const FOREIGN_HINT =
  "docker run --cgroupns=host, or mount cgroup2 and run linnix with CAP_DAC_READ_SEARCH and CAP_SYS_ADMIN (docker run --privileged)";

/** Returns true also on a kernel without cgroup namespaces. */
export function isInInitialCgroupNamespace(): boolean {
  try {
    return readlinkSync("/proc/self/ns/cgroup") === INITIAL_CGROUP_NAMESPACE;
  } catch {
    return true;
  }
}
