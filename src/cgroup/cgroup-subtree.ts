import { statSync } from "node:fs";
import type { CgroupRef } from "../wire/cgroup-ref.ts";
import { resolveCgroup } from "./cgroup.ts";
import { readCgroupMounts } from "./cgroup-mount.ts";
import { CgroupNames } from "./cgroup-names.ts";
import { Lru } from "./lru.ts";
import { readMembership } from "./proc-cgroup.ts";

/** Maximum number of cgroups that are known to be inside or outside the subtree. */
const MAX_KNOWN = 65_536;
/**
 * Maximum number of stored cgroups without a known path, most of which were removed, and the time after which linnix
 * looks up such a cgroup again.
 */
const MAX_UNKNOWN = 4096;
const RETRY_MS = 1000;

/**
 * A cgroup and all cgroups below it. This class looks up a new cgroup by its id. It does not walk the hierarchy,
 * because a user with a delegated cgroup can make many cgroups, and so could make a walk expensive.
 */
export class CgroupSubtree implements Disposable {
  readonly #root: bigint;
  /** Whether the user named the cgroup by its path. Then a new cgroup of that path also matches. */
  readonly #isPath: boolean;
  readonly #mount = readCgroupMounts();
  readonly #names: CgroupNames | undefined;
  /** Prefix of the paths below the cgroup; null if its path is unknown. */
  readonly #prefix: string | null;
  /** Directory of the cgroup in the mounted hierarchy. */
  readonly #directory: string;
  readonly #known = new Lru<bigint, boolean>(MAX_KNOWN);
  readonly #unknown = new Lru<bigint, number>(MAX_UNKNOWN);

  /** @throws LinnixError: see `resolveCgroup` */
  constructor(ref: CgroupRef) {
    const { id, directory } = resolveCgroup(ref);
    this.#root = id;
    this.#directory = directory;
    this.#isPath = "path" in ref;
    this.#names = CgroupNames.open(this.#mount);
    const path = this.#pathOf(this.#root, 0);
    this.#prefix = path && (path === "/" ? path : `${path}/`);
  }

  /** @param pid a process that is or was in the cgroup; 0: unknown */
  has(id: bigint, pid = 0): boolean {
    if (id === this.#root) return true;
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const nowMs = performance.now();
    if (nowMs < (this.#unknown.get(id) ?? 0)) return false;
    const path = this.#pathOf(id, pid);
    if (path === null) {
      this.#unknown.set(id, nowMs + RETRY_MS);
      return false;
    }
    const isBelow = this.#isBelow(path);
    this.#known.set(id, isBelow);
    return isBelow;
  }

  /** Whether a process is in the subtree now; false if it has ended. */
  hasProcess(pid: number): boolean {
    const path = readMembership(pid)?.v2;
    const point = this.#mount.v2?.point;
    if (point === undefined || path === undefined || path === null) return false;
    try {
      return this.has(statSync(point + path, { bigint: true }).ino, pid);
    } catch {
      // Outside the mounted cgroup, or removed.
      return false;
    }
  }

  close(): void {
    this.#names?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #pathOf(id: bigint, pid: number): string | null {
    return this.#names?.pathOf(Number(id >> 32n), Number(id & 0xffffffffn), pid) ?? null;
  }

  #isBelow(path: string): boolean {
    if (this.#prefix === null || !`${path}/`.startsWith(this.#prefix)) return false;
    if (this.#isPath) return true;
    try {
      // The kernel side compares the id as well: a new cgroup of the same name does not match.
      return statSync(this.#directory, { bigint: true }).ino === this.#root;
    } catch {
      return false;
    }
  }
}
