import { closeSync, opendirSync, openSync, readlinkSync, statSync } from "node:fs";
import { NativeError } from "../libbpf/errno.ts";
import { openKernfsById } from "../libbpf/file-handle.ts";
import type { CgroupMounts } from "./cgroup-mount.ts";
import { readMembership, withoutDeleted } from "./proc-cgroup.ts";

/** The hierarchy is walked only where handles cannot be had: so seldom, and no further than this. */
const WALK_EVERY_MS = 10_000;
const MAX_WALKED = 20_000;
const MAX_DEPTH = 64;

/** What says that handles will not work the next time either: no right, or not by this kernel. */
const NEVER: ReadonlySet<string> = new Set(["EPERM", "EOPNOTSUPP", "EINVAL", "ENOSYS"]);

/**
 * Path of a cgroup that is open, from the root of the hierarchy; undefined: it is not below what is mounted. One that
 * was removed since it was opened has the path that it had.
 */
export function pathOfOpen(fd: number, { point, root }: { point: string; root: string }): string | undefined {
  const path = withoutDeleted(readlinkSync(`/proc/self/fd/${fd}`, { encoding: "buffer" }).toString());
  if (path === point) return root;
  if (!path.startsWith(`${point}/`)) return undefined;
  return (root === "/" ? "" : root) + path.slice(point.length);
}

/**
 * Paths of cgroups by their id, in the v2 hierarchy. By file handle, which is
 * one system call, also when no process is left in it; without the right to
 * (CAP_DAC_READ_SEARCH) by a process that is in it, or by looking for it.
 */
export class CgroupNames implements Disposable {
  readonly #mount: { point: string; root: string };
  #fd: number;
  #handlesWork = true;
  #walked = new Map<bigint, string>();
  #walkedMs = Number.NEGATIVE_INFINITY;

  /** Undefined: the v2 hierarchy is not mounted, or cannot be opened. */
  static open({ v2 }: CgroupMounts): CgroupNames | undefined {
    if (!v2) return undefined;
    try {
      return new CgroupNames(v2);
    } catch {
      return undefined;
    }
  }

  private constructor(mount: { point: string; root: string }) {
    this.#mount = mount;
    this.#fd = openSync(mount.point, "r");
  }

  /** Id of the root of the hierarchy as it is mounted. */
  get rootId(): bigint {
    return statSync(this.#mount.point, { bigint: true }).ino;
  }

  /**
   * Path from the root of the hierarchy, without a slash at its end; null: there is
   * no such cgroup any more, or it cannot be told.
   * @param pid a process that is or was in it; 0: none is known
   */
  pathOf(high: number, low: number, pid = 0): string | null {
    if (this.#fd < 0) return null;
    const byHandle = this.#handlesWork ? this.#byHandle(high, low) : undefined;
    if (byHandle !== undefined) return byHandle;
    const id = (BigInt(high) << 32n) | BigInt(low);
    return this.#byProcess(id, pid) ?? this.#byWalk(id);
  }

  /** Undefined: handles do not help. */
  #byHandle(high: number, low: number): string | null | undefined {
    let fd: number;
    try {
      fd = openKernfsById(this.#fd, high, low);
    } catch (error) {
      const code = error instanceof NativeError ? error.code : "ENOSYS";
      if (code === "ESTALE" || code === "ENOENT") return null;
      if (NEVER.has(code)) this.#handlesWork = false;
      return undefined;
    }
    try {
      return pathOfOpen(fd, this.#mount);
    } catch {
      return undefined;
    } finally {
      closeSync(fd);
    }
  }

  #byProcess(id: bigint, pid: number): string | undefined {
    const path = pid > 0 ? readMembership(pid)?.v2 : undefined;
    if (path === undefined || path === null) return undefined;
    // It may have been moved since, or be another process by now: the directory has to be the one that is meant.
    try {
      if (statSync(`${this.#mount.point}${path}`, { bigint: true }).ino === id) return path;
    } catch {
      // Outside of what is mounted, or gone.
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

  /** Paths of the cgroups that there are, `max` at most, by id. */
  walk(max: number): Map<bigint, string> {
    const { point, root } = this.#mount;
    const found = new Map<bigint, string>();
    const pending = [{ path: "", depth: 0 }];
    for (let next = pending.pop(); next && found.size < max; next = pending.pop()) {
      const { path, depth } = next;
      try {
        found.set(statSync(point + path, { bigint: true }).ino, (root === "/" ? "" : root) + path || "/");
        if (depth === MAX_DEPTH) continue;
        using directory = opendirSync(point + path);
        for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
          if (entry.isDirectory()) pending.push({ path: `${path}/${entry.name}`, depth: depth + 1 });
        }
      } catch {
        // Gone while we look.
      }
    }
    return found;
  }

  close(): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
