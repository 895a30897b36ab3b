/** A mount, as /proc/PID/mountinfo shows it. */
export interface Mount {
  id: string;
  /** Id of the mount that this one is mounted on. */
  parent: string;
  /** `major:minor` of the filesystem: the same for each place where it is mounted. */
  device: string;
  /** Path, within the filesystem, of the directory that appears at `target`. `/`: the whole filesystem. */
  root: string;
  target: string;
  type: string;
  /** Options of the mount and of its superblock. */
  options: string[];
}

/** Parses the text of /proc/PID/mountinfo (proc_pid_mountinfo(5)). Returns the mounts in the order of its lines. */
export function parseMountinfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    // 36 35 98:0 /root /target rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    const [before = "", after = ""] = line.split(" - ");
    const [id = "", parent = "", device = "", root, target, options = ""] = before.split(" ");
    const [type, , superOptions = ""] = after.split(" ");
    if (root === undefined || target === undefined || type === undefined) continue;
    mounts.push({
      id,
      parent,
      device,
      root: unescapeOctal(root),
      target: unescapeOctal(target),
      type,
      options: [...options.split(","), ...superOptions.split(",")],
    });
  }
  return mounts;
}

/** The kernel writes space, tab, newline and backslash as three octal digits, and leaves all other bytes as they are. */
function unescapeOctal(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/**
 * The mounts that a path can reach. A mount hides the earlier mounts on its target and below its target. A moved mount
 * keeps its position in the list, so a mount on top of another one counts as later whatever their positions.
 */
export function visibleMounts(mounts: readonly Mount[]): Mount[] {
  return mounts.filter((mount, at) => !mounts.some((other, otherAt) => covers(mounts, other, mount, otherAt > at)));
}

function covers(mounts: readonly Mount[], upper: Mount, lower: Mount, isLater: boolean): boolean {
  if (upper === lower) return false;
  if (upper.target === lower.target && upper.parent === lower.id && upper.id !== lower.id) return true;
  return isLater && isWithin(lower.target, upper.target) && !isMountedOn(mounts, lower, upper);
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? folder : `${folder}/`);
}

/** Whether `upper` is mounted on top of `lower`, directly or through other mounts. */
function isMountedOn(mounts: readonly Mount[], upper: Mount, lower: Mount): boolean {
  let at: Mount | undefined = upper;
  // No chain is longer than the list; the topmost mount may be its own parent.
  for (let step = 0; at && step < mounts.length; step++) {
    const { parent }: Mount = at;
    if (parent === lower.id) return true;
    at = mounts.find(({ id }) => id === parent);
  }
  return false;
}
