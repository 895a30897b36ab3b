import { statSync } from "node:fs";
import { MappedArray } from "../bpf/bpf-map.ts";
import type { ResolvedCgroup } from "../cgroup/cgroup.ts";
import { log } from "../config/log.ts";
import type { CgroupRef } from "../wire/cgroup-ref.ts";
import { WATCHED_CGROUP, WATCHED_PATH_LEN } from "../wire/layout.gen.ts";

/** Sets and clears the condition of a watched cgroup: see `Conditions`. */
export interface CgroupReport {
  set(name: "watched_cgroup_gone", message: string, hint?: string): void;
  clear(name: "watched_cgroup_gone", message: string): void;
}

/** Whether the kernel side can recognize a new cgroup with this path. It compares the path below the mounted cgroup. */
export function isFollowed(ref: CgroupRef, { path, base }: ResolvedCgroup, knowsAncestors: boolean): boolean {
  const isComparable = path !== "" && Buffer.byteLength(path) < WATCHED_PATH_LEN;
  return "path" in ref && isComparable && (knowsAncestors || base.level === 0);
}

/**
 * The cgroup of `--cgroup`. If the option is a path, linnix follows a cgroup that is removed and created again. The
 * kernel side does that immediately; if it cannot, each call of `look` does it.
 */
export class WatchedCgroup implements Disposable {
  readonly #name: string;
  readonly #isPath: boolean;
  readonly #resolved: ResolvedCgroup;
  readonly #memory: MappedArray;
  readonly #id: BigUint64Array;
  /** The id that was logged last. */
  #knownId: bigint;

  /** @param mapFd the map `watched_cgroup` of a loaded object */
  constructor(ref: CgroupRef, resolved: ResolvedCgroup, mapFd: number) {
    this.#isPath = "path" in ref;
    this.#name = "path" in ref ? ref.path : String(ref.id);
    this.#resolved = resolved;
    this.#knownId = resolved.id;
    this.#memory = new MappedArray(mapFd, WATCHED_CGROUP.size, true);
    this.#id = new BigUint64Array(this.#memory.bytes, WATCHED_CGROUP.id, 1);
    const path = Buffer.from(resolved.path);
    if (this.#isPath && path.length < WATCHED_PATH_LEN) {
      new Uint8Array(this.#memory.bytes).set(path, WATCHED_CGROUP.path);
      new Uint32Array(this.#memory.bytes, WATCHED_CGROUP.path_length, 1)[0] = path.length;
    }
    this.#id[0] = resolved.id;
  }

  /** Checks whether the cgroup exists, with one system call. Call it at each flush. */
  look(conditions: CgroupReport): void {
    const watched = this.#id[0];
    const id = this.#idThere();
    if (id === "unknown") return;
    if (id === null || (!this.#isPath && id !== this.#resolved.id)) {
      const hint = this.#isPath
        ? "linnix reports its events again when a cgroup with this path exists"
        : "name the cgroup by its path: linnix then follows it when it is created again";
      conditions.set("watched_cgroup_gone", `the watched cgroup ${this.#name} does not exist`, hint);
      return;
    }
    // The kernel side may have stored the id of a newer cgroup meanwhile.
    if (watched !== undefined && id !== watched) Atomics.compareExchange(this.#id, 0, watched, id);
    conditions.clear("watched_cgroup_gone", `the watched cgroup ${this.#name} exists again`);
    if (id !== this.#knownId) log.debug(`cgroup ${this.#name} was made again, with the id ${id}`);
    this.#knownId = id;
  }

  /** The id of the cgroup with this path; null: there is none; "unknown": linnix cannot check it. */
  #idThere(): bigint | null | "unknown" {
    const { directory, device } = this.#resolved;
    try {
      const { ino, dev } = statSync(directory, { bigint: true });
      // Another filesystem may have been mounted over it.
      return dev === device ? ino : "unknown";
    } catch (error) {
      const { code } = error as { code?: unknown };
      return code === "ENOENT" ? null : "unknown";
    }
  }

  close(): void {
    this.#memory.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
