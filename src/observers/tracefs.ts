import { existsSync } from "node:fs";
import { findTool } from "../sys/tool.ts";
import type { Unavailable } from "./observer.ts";

/** A folder that exists only if tracefs is mounted, for each usual mount point (Documentation/trace/ftrace.rst). */
const MOUNTED = ["/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events"];

/** The script is a constant. The command that it runs comes as arguments. */
const MOUNT_AND_RUN = 'mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; exec "$@"';

function isMounted(): boolean {
  return MOUNTED.some((path) => existsSync(path));
}

/**
 * The command, with tracefs mounted. If tracefs is not mounted, the command runs in a mount namespace of its own, and
 * the mount ends with that namespace. The machine's mounts do not change. Each program execs the next, so the pid
 * stays.
 */
export function withTracefs(argv: string[]): string[] {
  const unshare = findTool("unshare");
  const shell = findTool("sh");
  if (isMounted() || unshare === null || shell === null) return argv;
  return [unshare, "--mount", "--propagation", "private", shell, "-c", MOUNT_AND_RUN, "with-tracefs", ...argv];
}

/** Why tracefs is not available; null if it is mounted or linnix can mount it. */
export function needTracefs(): Unavailable | null {
  if (isMounted() || !["unshare", "mount", "sh"].some((name) => findTool(name) === null)) return null;
  return {
    ok: false,
    reason: "tracefs is not mounted",
    hint: "mount -t tracefs tracefs /sys/kernel/tracing, or install util-linux and a shell: then linnix mounts it",
  };
}
