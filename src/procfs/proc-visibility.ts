/** Whether /proc shows every process of its pid namespace to this user: proc(5), `hidepid`. */
import { readFileSync } from "node:fs";
import { parseMountinfo } from "./mountinfo.ts";

/** include/uapi/linux/capability.h */
const CAP_SYS_PTRACE = 19;

export interface ProcViewer {
  /** CapEff of /proc/self/status. */
  capabilities: bigint;
  groups: readonly number[];
}

/**
 * Whether the mount options of /proc hide other users' processes, or their details, from this process. True if unknown.
 */
export function hidesProcesses(mountinfo?: string, viewer?: ProcViewer): boolean {
  try {
    return isHidden(mountinfo ?? readFileSync("/proc/self/mountinfo", "latin1"), viewer ?? readViewer());
  } catch {
    return true; // not even this process's own files are readable
  }
}

function isHidden(mountinfo: string, { capabilities, groups }: ProcViewer): boolean {
  // Of several mounts on one target, only the last is visible.
  const mount = parseMountinfo(mountinfo).findLast(({ target, type }) => target === "/proc" && type === "proc");
  const option = (name: string) => mount?.options.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
  const hidepid = option("hidepid") ?? "0";
  if (hidepid === "0" || hidepid === "off") return false;
  if ((capabilities >> BigInt(CAP_SYS_PTRACE)) & 1n) return false;
  // has_pid_permissions() of fs/proc/base.c: the group of `gid=`, by default 0, sees all processes, except in this
  // mode.
  if (hidepid === "4" || hidepid === "ptraceable") return true;
  return !groups.includes(Number(option("gid") ?? 0));
}

function readViewer(): ProcViewer {
  const status = readFileSync("/proc/self/status", "latin1");
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return { capabilities, groups: [process.getegid?.() ?? -1, ...(process.getgroups?.() ?? [])] };
}

/** Whether there is a process or thread of that pid in this process's own pid namespace. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
