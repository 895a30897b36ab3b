import { existsSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { inCgroups } from "./test-cgroup.ts";

interface Hierarchy {
  mount: string;
  /** Path of this process's cgroup below the mount. */
  own: string;
  usage: string;
  limit: string;
}

/** The hierarchy with the memory controller, v1 or v2; null if there is none. */
function hierarchy(): Hierarchy | null {
  const mounts = readFileSync("/proc/self/mountinfo", "latin1").split("\n");
  const own = readFileSync("/proc/self/cgroup", "latin1");
  for (const line of mounts) {
    const [, , , root, mount = ""] = line.split(" ");
    if (root !== "/") continue;
    if (/ - cgroup .*\bmemory\b/.test(line)) {
      const path = /^\d+:(?:.*,)?memory(?:,.*)?:(.*)$/m.exec(own)?.[1] ?? "/";
      return { mount, own: path, usage: "memory.usage_in_bytes", limit: "memory.limit_in_bytes" };
    }
    const controls = `${mount}/cgroup.subtree_control`;
    if (/ - cgroup2 /.test(line) && existsSync(controls) && /\bmemory\b/.test(readFileSync(controls, "latin1"))) {
      const path = /^0::(.*)$/m.exec(own)?.[1] ?? "/";
      return { mount, own: path, usage: "memory.current", limit: "memory.max" };
    }
  }
  return null;
}

/** A test's own cgroup, whose memory can be limited to its present usage. */
export class MemoryCgroup implements Disposable {
  readonly #hierarchy: Hierarchy;
  readonly #directory: string;

  /** The hierarchy for such a cgroup; null if there is none here. */
  static mount(): string | null {
    return hierarchy()?.mount ?? null;
  }

  constructor() {
    const found = hierarchy();
    if (found === null) throw new Error("no hierarchy has the memory controller");
    this.#hierarchy = found;
    this.#directory = mkdtempSync(`${found.mount}/linnix-test-`);
  }

  /** Command prefix that runs a command in this cgroup. */
  get enter(): string[] {
    return inCgroups(this.#directory);
  }

  /** Moves a process to this process's cgroup; memory that it already has still counts in the test's cgroup. */
  release(pid: number): void {
    writeFileSync(`${this.#hierarchy.mount}${this.#hierarchy.own}/cgroup.procs`, `${pid}`);
  }

  /** Sets the limit: no more memory can be allocated from now on. */
  squeeze(): void {
    const { usage, limit } = this.#hierarchy;
    let bytes = Number(readFileSync(`${this.#directory}/${usage}`, "latin1"));
    // First reclaims memory: v1 refuses a limit below the remaining usage.
    for (let tries = 0; tries < 1000; tries++, bytes += 4096) {
      try {
        writeFileSync(`${this.#directory}/${limit}`, `${bytes}`);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
      }
    }
    throw new Error("no bound was taken");
  }

  [Symbol.dispose](): void {
    rmdirSync(this.#directory);
  }
}
