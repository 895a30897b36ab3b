/** A mount, as /proc/PID/mountinfo shows it. */
export interface Mount {
  /** `major:minor` of the filesystem: the same for each place where it is mounted. */
  device: string;
  /** Which of the filesystem's directories that is. */
  root: string;
  target: string;
  type: string;
  /** Options of the mount and of its superblock. */
  options: string[];
}

/** Reads the text of /proc/PID/mountinfo (proc_pid_mountinfo(5)), in its order. */
export function parseMountinfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    // 36 35 98:0 /root /target rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    const [before = "", after = ""] = line.split(" - ");
    const [, , device = "", root, target, options = ""] = before.split(" ");
    const [type, , superOptions = ""] = after.split(" ");
    if (root === undefined || target === undefined || type === undefined) continue;
    mounts.push({
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
