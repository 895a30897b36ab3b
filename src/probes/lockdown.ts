import { readFileSync } from "node:fs";

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/**
 * Whether the kernel denies even root access to its memory and to tracefs (kernel_lockdown(7)). linnix reads that from
 * securityfs, or from the kernel's command line if securityfs is not mounted.
 */
export function isLockedForConfidentiality(): boolean {
  const mode = textOf("/sys/kernel/security/lockdown");
  if (mode !== "") return mode.includes("[confidentiality]");
  return textOf("/proc/cmdline").split(/\s+/).includes("lockdown=confidentiality");
}
