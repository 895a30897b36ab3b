/** Command prefixes that run a command in another root directory. */
import { inMounts } from "../../kernel/support/places.ts";

/** In a root directory, with the mounts that a script makes; "$1" is the root in the script. */
export function inRoot(root: string, mounts: string): string[] {
  return [...inMounts(mounts, root), "chroot", root];
}

/** In a root directory with /proc and /sys. */
export function inRootWithMounts(root: string): string[] {
  return inRoot(root, 'mount -t proc proc "$1/proc" && mount -t sysfs sysfs "$1/sys"');
}
