import { readFileSync, readlinkSync } from "node:fs";

/** include/uapi/linux/capability.h */
const CAP_SYS_ADMIN = 21;
const CAP_PERFMON = 38;
const CAP_BPF = 39;

/** PROC_USER_INIT_INO of include/linux/proc_ns.h. */
const INITIAL_USER_NAMESPACE = "user:[4026531837]";

/**
 * How to get the privilege for loading and attaching; null if this process has it, or if linnix cannot read its
 * privileges.
 */
export function privilegeHint(): string | null {
  if (isInUserNamespace()) {
    return "capabilities of a user namespace do not count: run linnix on the host, or in a container started by root";
  }
  const missing = missingCapabilities();
  if (missing.length === 0) return null;
  if (process.geteuid?.() !== 0) return "run it as root: sudo linnix …";
  return `give linnix ${missing.join(" and ")}, which this process lacks although it is root`;
}

function isInUserNamespace(): boolean {
  try {
    return readlinkSync("/proc/self/ns/user") !== INITIAL_USER_NAMESPACE;
  } catch {
    return false;
  }
}

/** Names of the missing capabilities. Empty if none is missing, or if linnix cannot read them. */
function missingCapabilities(): string[] {
  let status: string;
  try {
    status = readFileSync("/proc/self/status", "latin1");
  } catch {
    return [];
  }
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (effective === undefined) return [];
  const lacks = (bit: number) => ((BigInt(`0x${effective}`) >> BigInt(bit)) & 1n) === 0n;
  if (!lacks(CAP_SYS_ADMIN)) return [];
  return [...(lacks(CAP_BPF) ? ["CAP_BPF"] : []), ...(lacks(CAP_PERFMON) ? ["CAP_PERFMON"] : [])];
}
