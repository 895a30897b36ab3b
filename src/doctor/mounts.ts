import { type HostReader, readText } from "./host-reader.ts";

export interface Mount {
  /** `major:minor` of the filesystem: the same for each place where it is mounted. */
  device: string;
  target: string;
  type: string;
  /** Options of the mount and of its superblock. */
  options: string[];
}

/** What is mounted in this mount namespace, from `/proc/self/mountinfo` (proc_pid_mountinfo(5)). */
export function readMounts(host: HostReader): Mount[] {
  const mounts: Mount[] = [];
  for (const line of (readText(host, "/proc/self/mountinfo") ?? "").split("\n")) {
    // 36 35 98:0 /root /target rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    const [before = "", after = ""] = line.split(" - ");
    const [, , device = "", , target, options = ""] = before.split(" ");
    const [type, , superOptions = ""] = after.split(" ");
    if (target === undefined || type === undefined) continue;
    mounts.push({
      device,
      target: unescapeOctal(target),
      type,
      options: [...options.split(","), ...superOptions.split(",")],
    });
  }
  return mounts;
}

/** The kernel writes space, tab, newline and backslash as three octal digits. */
function unescapeOctal(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
