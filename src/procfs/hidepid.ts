import { readFileSync } from "node:fs";
import { type Mount, parseMountinfo } from "./mountinfo.ts";

/**
 * `hidepid=` of /proc, if it hides processes of other accounts: `1`/`noaccess`, `2`/`invisible`, `4`/`ptraceable`
 * (proc(5)); null if it hides none.
 */
export function hidepidOf(mounts: readonly Mount[]): string | null {
  // Of several mounts on one target, only the last is visible.
  const proc = mounts.findLast((mount) => mount.target === "/proc" && mount.type === "proc");
  const value = proc?.options.find((option) => option.startsWith("hidepid="))?.slice("hidepid=".length);
  return value === undefined || value === "0" || value === "off" ? null : value;
}

/** `hidepid=` of the /proc that this process sees; null also if the mounts cannot be read. */
export function readHidepid(): string | null {
  try {
    return hidepidOf(parseMountinfo(readFileSync("/proc/self/mountinfo", "latin1")));
  } catch {
    return null;
  }
}
