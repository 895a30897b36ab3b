/** /proc/PID/cgroup (cgroups(7)): the cgroup of a live process in each hierarchy. */
import { closeSync, openSync } from "node:fs";
import { hasKernelPids } from "../procfs/pid-namespace.ts";
import { readInto } from "../sys/read-into.ts";
import { containerOf, unitOf } from "./cgroup-path.ts";

export interface Membership {
  /** Path in the v2 hierarchy from the root of this process's cgroup namespace; null if the file has no such line. */
  v2: string | null;
  /** Paths in the v1 hierarchies, in the order of the file. */
  v1: { controllers: string; path: string }[];
}

const DELETED = " (deleted)";
/** The file has one line per hierarchy, and a path has at most PATH_MAX bytes. */
const buffer = Buffer.alloc(64 * 1024);

/** {@link readMembershipText}, parsed. */
export function readMembership(pid: number): Membership | null {
  const text = readMembershipText(pid);
  return text === null ? null : parseMembership(text);
}

/**
 * The text of the file, for {@link parseMembership}.
 * @param pid in the initial pid namespace
 * @returns null if the process has ended or its file may not be read, or if /proc shows the pids of another namespace
 */
export function readMembershipText(pid: number): string | null {
  if (!hasKernelPids()) return null;
  let fd: number;
  try {
    fd = openSync(`/proc/${pid}/cgroup`, "r");
  } catch {
    return null;
  }
  try {
    return buffer.toString("utf8", 0, readInto(fd, buffer));
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

/**
 * Parses the text. cgroup_mkdir() (kernel/cgroup/cgroup.c) refuses names with a newline, so each line is complete.
 */
export function parseMembership(text: string): Membership {
  const membership: Membership = { v2: null, v1: [] };
  for (const line of text.split("\n")) {
    const first = line.indexOf(":");
    const second = line.indexOf(":", first + 1);
    if (first < 0 || second < 0) continue;
    const controllers = line.slice(first + 1, second);
    const path = withoutDeleted(line.slice(second + 1));
    if (controllers === "" && line.startsWith("0:")) membership.v2 = path;
    else membership.v1.push({ controllers, path });
  }
  return membership;
}

/** Removes the suffix that the kernel adds to the path of a removed cgroup that is open or has an unreaped process. */
export function withoutDeleted(path: string): string {
  return path.endsWith(DELETED) ? path.slice(0, -DELETED.length) : path;
}

/**
 * The most useful v1 path: the first that names a container, otherwise the first that names a unit, otherwise the first
 * that is not the root. Null if the process is in the root of all hierarchies.
 */
export function tellingV1Path({ v1 }: Membership): string | null {
  const best =
    v1.find(({ path }) => containerOf(path)) ??
    v1.find(({ path }) => unitOf(path) !== null) ??
    v1.find(({ path }) => path !== "/");
  return best?.path ?? null;
}

/** The text of the file after a move of the process in one hierarchy. */
export function afterMove(text: string, hierarchy: number, path: string): string {
  const lines = text.split("\n").filter((line) => line !== "");
  const numberOf = (line: string) => Number.parseInt(line, 10);
  const at = lines.findIndex((line) => numberOf(line) === hierarchy);
  const controllers = at < 0 ? "" : (lines[at]?.split(":")[1] ?? "");
  const line = `${hierarchy}:${controllers}:${path}`;
  if (at >= 0) lines[at] = line;
  else lines.push(line);
  // The kernel's order.
  if (at < 0) lines.sort((one, other) => numberOf(other) - numberOf(one));
  return `${lines.join("\n")}\n`;
}
