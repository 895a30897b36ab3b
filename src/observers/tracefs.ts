import { existsSync } from "node:fs";
import { findTool } from "../sys/tool.ts";
import type { Unavailable } from "./observer.ts";

/** Where tracefs can be mounted (Documentation/trace/ftrace.rst); a file that is there only when it is. */
const MOUNTED = ["/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events"];

/** Constant text: what runs comes as arguments, never as part of it. */
const MOUNT_AND_RUN = 'mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; exec "$@"';

function isMounted(): boolean {
  return MOUNTED.some((path) => existsSync(path));
}

/**
 * A command that finds tracefs mounted. Where it is not, the command gets a mount namespace of its own, which takes
 * the mount with it when it ends: the machine's mounts stay as they are. Each program is an exec of the next.
 */
export function withTracefs(argv: string[]): string[] {
  const unshare = findTool("unshare");
  const shell = findTool("sh");
  if (isMounted() || unshare === null || shell === null) return argv;
  return [unshare, "--mount", "--propagation", "private", shell, "-c", MOUNT_AND_RUN, "with-tracefs", ...argv];
}

/** Why tracefs cannot be had; null if it is mounted or can be. */
export function needTracefs(): Unavailable | null {
  if (isMounted() || !["unshare", "mount", "sh"].some((name) => findTool(name) === null)) return null;
  return {
    ok: false,
    reason: "tracefs is not mounted",
    hint: "mount -t tracefs tracefs /sys/kernel/tracing, or install util-linux and a shell: then linnix mounts it",
  };
}
