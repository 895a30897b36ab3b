import { closeSync, opendirSync, openSync, readlinkSync, statSync } from "node:fs";
import { NativeError } from "../sys/errno.ts";
import { cloneMount, openKernfsById } from "../sys/file-handle.ts";
import type { CgroupMounts } from "./cgroup-mount.ts";
import { readMembership, withoutDeleted } from "./proc-cgroup.ts";

/** Limits for walks over the hierarchy. linnix walks only if file handles do not work, and at most this often. */
const WALK_EVERY_MS = 10_000;
const MAX_WALKED = 20_000;
const MAX_DEPTH = 64;

/** After these errors linnix does not use file handles again: a privilege is missing, or the kernel has no support. */
const NEVER: ReadonlySet<string> = new Set(["EPERM", "EOPNOTSUPP", "EINVAL", "ENOSYS"]);

/** Id of the root of the v2 hierarchy, which cgroup_init() creates before all other cgroups. */
export const ROOT_ID = 1;

/**
 * Path of an open cgroup from the root of the hierarchy; undefined if the cgroup is not below the mounted cgroup.
 * For a cgroup that was removed after it was opened, this is its last path.
 */
export function pathOfOpen(fd: number, { point, root }: { point: string; root: string }): string | undefined {
  const path = withoutDeleted(readlinkSync(`/proc/self/fd/${fd}`, { encoding: "buffer" }).toString());
  if (path === point) return root;
  if (!path.startsWith(`${point}/`)) return undefined;
  return (root === "/" ? "" : root) + path.slice(point.length);
}

/** In a detached mount, paths begin at its root. */
const WHOLE = { point: "", root: "/" };

/**
 * Opens the root of the hierarchy in a detached mount. The kernel shows no paths outside the mount through which a
 * directory was opened.
 * @param fd a directory of the hierarchy
 * @returns a descriptor; -1 if this process lacks the privileges
 */
function openWhole(fd: number): number {
  const fds: number[] = [];
  try {
    fds.push(openKernfsById(fd, 0, ROOT_ID));
    fds.push(cloneMount(fds[0] as number));
    return openSync(`/proc/self/fd/${fds[1]}`, "r");
  } catch {
    return -1;
  } finally {
    for (const each of fds) closeSync(each);
  }
}

/**
 * Paths of cgroups by their id, in the v2 hierarchy. A file handle needs one system call and works for an empty cgroup.
 * Without CAP_DAC_READ_SEARCH, the path comes from a process in the cgroup, or from a walk over the hierarchy.
 */
export class CgroupNames implements Disposable {
  readonly #mount: { point: string; root: string };
  #fd: number;
  /**
   * Descriptor of the root of the hierarchy; -1 if the mounted cgroup is that root, or if the root cannot be opened.
   */
  #top = -1;
  #handlesWork = true;
  #walked = new Map<bigint, string>();
  #walkedMs = Number.NEGATIVE_INFINITY;

  /** Undefined if the v2 hierarchy is not mounted or cannot be opened. */
  static open({ v2 }: CgroupMounts): CgroupNames | undefined {
    if (!v2) return undefined;
    try {
      return new CgroupNames(v2);
    } catch {
      return undefined;
    }
  }

  private constructor(mount: { point: string; root: string }) {
    this.#mount = { ...mount };
    this.#fd = openSync(mount.point, "r");
    if (this.rootId === BigInt(ROOT_ID)) {
      this.#mount.root = "/";
      return;
    }
    this.#top = openWhole(this.#fd);
    // Without the privileges, paths outside the mounted cgroup stay unknown.
    if (this.#top < 0) return;
    // In mountinfo, this path begins at the root of this process's cgroup namespace.
    const { rootId } = this;
    this.#mount.root = this.#find(rootId) ?? mount.root;
  }

  /** Id of the mounted cgroup. */
  get rootId(): bigint {
    return statSync(this.#mount.point, { bigint: true }).ino;
  }

  /** Whether linnix can find the paths of all cgroups, not only of the cgroups below the mounted one. */
  get seesAll(): boolean {
    return this.#top >= 0 || this.rootId === BigInt(ROOT_ID);
  }

  /**
   * Path from the root of the hierarchy, without a slash at its end; null if the cgroup
   * no longer exists or its path cannot be found.
   * @param pid a process that is or was in the cgroup; 0: unknown
   */
  pathOf(high: number, low: number, pid = 0): string | null {
    if (this.#fd < 0) return null;
    const byHandle = this.#handlesWork ? this.#byHandle(high, low) : undefined;
    if (byHandle !== undefined) return byHandle;
    const id = (BigInt(high) << 32n) | BigInt(low);
    return this.#byProcess(id, pid) ?? this.#byWalk(id);
  }

  /** Undefined if file handles do not work; null if the cgroup no longer exists. */
  #byHandle(high: number, low: number): string | null | undefined {
    let fd: number;
    try {
      fd = openKernfsById(this.#top < 0 ? this.#fd : this.#top, high, low);
    } catch (error) {
      const code = error instanceof NativeError ? error.code : "ENOSYS";
      if (code === "ESTALE" || code === "ENOENT") return null;
      if (NEVER.has(code)) this.#handlesWork = false;
      return undefined;
    }
    try {
      return pathOfOpen(fd, this.#top < 0 ? this.#mount : WHOLE);
    } catch {
      return undefined;
    } finally {
      closeSync(fd);
    }
  }

  #byProcess(id: bigint, pid: number): string | undefined {
    const path = pid > 0 ? readMembership(pid)?.v2 : undefined;
    if (path === undefined || path === null) return undefined;
    const { root } = this.#mount;
    // The process may have moved since then, or the pid may belong to another process now. So compare the id of the
    // directory.
    try {
      if (statSync(`${this.#mount.point}${path}`, { bigint: true }).ino === id)
        return (root === "/" ? "" : root) + path.replace(/\/$/, "") || "/";
    } catch {
      // Outside the mounted cgroup, or removed.
    }
    return undefined;
  }

  #byWalk(id: bigint): string | null {
    const known = this.#walked.get(id);
    if (known !== undefined) return known;
    const nowMs = performance.now();
    if (nowMs - this.#walkedMs < WALK_EVERY_MS) return null;
    this.#walkedMs = nowMs;
    this.#walked = this.walk(MAX_WALKED);
    return this.#walked.get(id) ?? null;
  }

  /** Path of the cgroup with that id; undefined if a walk over `MAX_WALKED` cgroups does not find it. */
  #find(id: bigint): string | undefined {
    return this.walk(MAX_WALKED, id).get(id);
  }

  /**
   * Paths of the existing cgroups by id, at most `max`.
   * @param last the walk ends at the cgroup with this id
   */
  walk(max: number, last?: bigint): Map<bigint, string> {
    const isWhole = this.#top >= 0;
    const point = isWhole ? `/proc/self/fd/${this.#top}` : this.#mount.point;
    const root = isWhole ? "/" : this.#mount.root;
    const found = new Map<bigint, string>();
    const pending = [{ path: "", depth: 0 }];
    for (let next = pending.pop(); next && found.size < max; next = pending.pop()) {
      const { path, depth } = next;
      try {
        const { ino } = statSync(`${point}${path || "/"}`, { bigint: true });
        found.set(ino, (root === "/" ? "" : root) + path || "/");
        if (ino === last) break;
        if (depth === MAX_DEPTH) continue;
        using directory = opendirSync(`${point}${path || "/"}`);
        for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
          if (entry.isDirectory()) pending.push({ path: `${path}/${entry.name}`, depth: depth + 1 });
        }
      } catch {
        // The cgroup was removed during the walk.
      }
    }
    return found;
  }

  close(): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
    if (this.#top >= 0) closeSync(this.#top);
    this.#top = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
