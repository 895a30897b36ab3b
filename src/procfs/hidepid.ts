import { readFileSync } from "node:fs";
import { type Mount, parseMountinfo } from "./mountinfo.ts";

/**
 * `hidepid=` of /proc, if it hides processes of other accounts: `1`/`noaccess`, `2`/`invisible`, `4`/`ptraceable`
 * (proc(5)); null if it hides none.
 */
export function hidepidOf(mounts: readonly Mount[]): string | null {
  // The last mount on a target is the one that is seen.
  const proc = mounts.findLast((mount) => mount.target === "/proc" && mount.type === "proc");
  const value = proc?.options.find((option) => option.startsWith("hidepid="))?.slice("hidepid=".length);
  return value === undefined || value === "0" || value === "off" ? null : value;
}

/** The same of this process's /proc; null also if that is not known. */
export function readHidepid(): string | null {
  try {
    return hidepidOf(parseMountinfo(readFileSync("/proc/self/mountinfo", "latin1")));
  } catch {
    return null;
  }
}
