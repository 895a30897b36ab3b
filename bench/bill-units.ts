import { mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { cgroup2Mount } from "../src/cgroup/cgroup.ts";

const PREFIX = "linnix-bench-bill-";
/** A shell script that moves itself to the cgroup, then executes the command. */
const ENTER = 'echo 0 > "$1/cgroup.procs" || exit 99; shift; exec "$@"';
/** Words before a command so that the kernel ends it with the bench (setpriv(1) of util-linux). */
export const ENDS_WITH_BENCH = ["setpriv", "--pdeathsig", "TERM", "--"] as const;

/** Maximum number of attempts to remove a cgroup, because ended processes take a while to leave it. */
const TRIES = 200;

/**
 * Cgroups with names of systemd units, below a cgroup of the bench. Dispose removes them and kills the processes in
 * them.
 */
export class Units implements AsyncDisposable {
  readonly #directory: string;

  /** @throws Error if no cgroup v2 is mounted */
  constructor() {
    const mount = cgroup2Mount();
    if (mount === undefined) throw new Error("no cgroup v2 is mounted: mount -t cgroup2 none /sys/fs/cgroup/unified");
    // A bench that was killed leaves its cgroups behind.
    for (const name of readdirSync(mount).filter((entry) => entry.startsWith(PREFIX))) {
      if (!isAlive(Number(name.slice(PREFIX.length)))) emptyAndRemove(join(mount, name));
    }
    this.#directory = join(mount, `${PREFIX}${process.pid}`);
    mkdirSync(this.#directory);
  }

  /** Runs a program in a unit. */
  run(unit: string, command: readonly string[]): Bun.Subprocess<"ignore", "pipe", "inherit"> {
    const directory = join(this.#directory, unit);
    mkdirSync(directory, { recursive: true });
    return Bun.spawn(["/bin/sh", "-c", ENTER, "sh", directory, ...command], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let tries = 0; tries < TRIES && !emptyAndRemove(this.#directory); tries++) await Bun.sleep(20);
  }
}

/** @returns whether the cgroup is removed; killed processes must leave it first */
function emptyAndRemove(directory: string): boolean {
  const units = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const areGone = units.map(({ name }) => emptyAndRemove(join(directory, name))).every(Boolean);
  for (const pid of readFileSync(join(directory, "cgroup.procs"), "utf8").split("\n").filter(Boolean)) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {}
  }
  try {
    rmdirSync(directory);
  } catch {
    return false;
  }
  return areGone;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
