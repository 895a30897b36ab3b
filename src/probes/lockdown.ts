import { readFileSync } from "node:fs";

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/**
 * Whether the kernel keeps its memory and tracefs from root too: as securityfs says (kernel_lockdown(7)), else, where
 * that is not mounted, as the kernel's command line asks.
 */
export function isLockedForConfidentiality(): boolean {
  const mode = textOf("/sys/kernel/security/lockdown");
  if (mode !== "") return mode.includes("[confidentiality]");
  return textOf("/proc/cmdline").split(/\s+/).includes("lockdown=confidentiality");
}
