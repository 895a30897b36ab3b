import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, statSync } from "node:fs";
import { until } from "./collect-run.ts";

/** Shell script that moves itself to the cgroups before `--`, then executes the command after it. */
const ENTER = 'while [ "$1" != -- ]; do echo 0 > "$1/cgroup.procs" || exit 99; shift; done; shift; exec "$@"';

/** A test's own cgroups, below a cgroup with a random name. Disposing ends their processes and removes them. */
export class TestCgroup implements AsyncDisposable {
  readonly mount: string;
  /** Path below the mount. */
  readonly path: string;
  readonly #made: string[];

  /** @param mount mount point of the hierarchy */
  constructor(mount: string) {
    this.mount = mount;
    const directory = mkdtempSync(`${mount}/linnix-test-`);
    chmodSync(directory, 0o755); // readable for other users, like the kernel's own cgroups
    this.path = directory.slice(mount.length);
    this.#made = [directory];
  }

  /** Makes a cgroup below it, with its missing parents. Returns its path below the mount. */
  make(...names: string[]): string {
    let { path } = this;
    for (const name of names) {
      path += `/${name}`;
      if (this.#made.includes(this.mount + path)) continue;
      mkdirSync(this.mount + path);
      this.#made.push(this.mount + path);
    }
    return path;
  }

  directory(path: string): string {
    return this.mount + path;
  }

  id(path: string): bigint {
    return statSync(this.mount + path, { bigint: true }).ino;
  }

  /** Removes a cgroup once it is empty. */
  async remove(path: string): Promise<void> {
    const directory = this.mount + path;
    await until(`${directory} to be empty`, () => {
      try {
        rmdirSync(directory);
        return true;
      } catch {
        return false;
      }
    });
    this.#made.splice(this.#made.indexOf(directory), 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const directory of this.#made.toReversed()) {
      for (const pid of readFileSync(`${directory}/cgroup.procs`, "utf8").split("\n")) {
        if (Number(pid) > 0) process.kill(Number(pid), "SIGKILL");
      }
      await this.remove(directory.slice(this.mount.length));
    }
  }
}

/** Command prefix that runs a command in these cgroups, given as directories. */
export function inCgroups(...directories: string[]): string[] {
  return ["/bin/sh", "-c", ENTER, "sh", ...directories, "--"];
}
