import { existsSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { inCgroups } from "./test-cgroup.ts";

interface Hierarchy {
  mount: string;
  /** Where this process is, from the mount on. */
  own: string;
  usage: string;
  limit: string;
}

/** The hierarchy that has the memory controller, v1 or v2; null if none has. */
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

/** A cgroup of a test's own whose memory can be bounded to what is used already. */
export class MemoryCgroup implements Disposable {
  readonly #hierarchy: Hierarchy;
  readonly #directory: string;

  /** Where such can be made; null: nowhere here. */
  static mount(): string | null {
    return hierarchy()?.mount ?? null;
  }

  constructor() {
    const found = hierarchy();
    if (found === null) throw new Error("no hierarchy has the memory controller");
    this.#hierarchy = found;
    this.#directory = mkdtempSync(`${found.mount}/linnix-test-`);
  }

  /** What stands before a command that is to run in it. */
  get enter(): string[] {
    return inCgroups(this.#directory);
  }

  /** Moves a process to where this one is; what it has got so far goes on being counted here. */
  release(pid: number): void {
    writeFileSync(`${this.#hierarchy.mount}${this.#hierarchy.own}/cgroup.procs`, `${pid}`);
  }

  /** From now on nothing more can be had. */
  squeeze(): void {
    const { usage, limit } = this.#hierarchy;
    let bytes = Number(readFileSync(`${this.#directory}/${usage}`, "latin1"));
    // What can be given back is asked for first, and what cannot keeps v1 from taking the bound.
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
