import { existsSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { until } from "./collect-run.ts";
import { BINARY, programPath } from "./needs.ts";
import { inCgroups, TestCgroup } from "./test-cgroup.ts";

const SYSTEMD = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"].find((path) => existsSync(path));

/** The only units of systemd that exist in the test, so that the machine's services do not start. */
const OWN_UNITS = [
  "basic.target",
  "multi-user.target",
  "paths.target",
  "shutdown.target",
  "slices.target",
  "sockets.target",
  "sysinit.target",
  "timers.target",
];

/**
 * Makes an environment with all files of this machine read-only, and executes systemd in it:
 * $1 systemd, $2 linnix, $3 the unit, $4 the folder of systemd's own units, then the names of these.
 */
const BOOT = `
set -e
systemd=$1 own=$4
# Held open: they may lie below a folder that is covered here.
exec 3<"$2" 4<"$3"
shift 4
mount --make-rprivate /
umount -R -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for at in /run /tmp /var/tmp /var/log /usr/local/bin; do mount -t tmpfs tmpfs "$at"; done
mount -o remount,bind,ro /
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
: >/usr/local/bin/linnix
mount --bind /proc/self/fd/3 /usr/local/bin/linnix
mkdir /run/lock /run/units /run/none
for name; do cp "$own/$name" /run/units/; done
cat <&4 >/run/units/linnix.service
exec 3<&- 4<&-
printf '[Unit]\\nRequires=basic.target\\nAfter=basic.target\\n' >/run/units/test.target
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=linnix-test \\
  SYSTEMD_UNIT_PATH=/run/units SYSTEMD_GENERATOR_PATH=/run/none SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/run/none \\
  "$systemd" --system --unit=test.target --show-status=no --log-target=null
`;

const PRIVATE = ["--fork", "--kill-child", "--pid", "--mount", "--mount-proc", "--cgroup", "--ipc", "--uts"];

/** Why systemd cannot run here; null if it can. */
export function whyNoSystemd(): string | null {
  if (SYSTEMD === undefined) return "needs systemd";
  for (const program of ["systemctl", "unshare", "nsenter", "setpriv"]) {
    if (programPath(program) === null) return `needs ${program}`;
  }
  return null;
}

interface Said {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/**
 * A real systemd, the first process of its own pid namespace, with its own cgroup in the v2 hierarchy. It has one
 * service, which is not started. Disposing ends systemd and all its processes.
 */
export class Systemd implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #cgroup: TestCgroup;
  #pid = 0;

  /**
   * @param mount mount point of the cgroup v2 hierarchy
   * @param unit path of the unit file, which becomes linnix.service
   */
  static async boot(mount: string, unit: string): Promise<Systemd> {
    const systemd = new Systemd(mount, unit);
    try {
      await systemd.#booted();
      return systemd;
    } catch (error) {
      await systemd[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(mount: string, unit: string) {
    this.#cgroup = new TestCgroup(mount);
    const own = OWN_UNITS.filter((name) => existsSync(join("/usr/lib/systemd/system", name)));
    const boot = ["sh", "-c", BOOT, "sh", SYSTEMD ?? "", BINARY, unit, "/usr/lib/systemd/system", ...own];
    const before = inCgroups(this.#cgroup.directory(this.#cgroup.path));
    // systemd ends with the test, however the test ends.
    const leash = ["setpriv", "--pdeathsig", "KILL"];
    this.#child = Bun.spawn([...before, ...leash, "unshare", ...PRIVATE, ...boot], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
  }

  /** The path of one of its files, as seen from outside. */
  path(inside: string): string {
    return `/proc/${this.#pid}/root${inside}`;
  }

  /** Runs a program beside it, to its end. */
  run(...command: string[]): Said {
    const enter = ["nsenter", `--target=${this.#pid}`, "--mount", "--pid", "--cgroup", "--ipc", "--uts", "--"];
    const { exitCode, stdout, stderr } = Bun.spawnSync([...enter, ...command], { stdin: "ignore", stderr: "pipe" });
    return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  /** @throws Error with the output of systemctl if it fails */
  systemctl(...args: string[]): string {
    const { exitCode, stdout, stderr } = this.run("systemctl", ...args);
    if (exitCode !== 0) throw new Error(`systemctl ${args.join(" ")} ended with ${exitCode}: ${stderr}`);
    return stdout;
  }

  /** Properties of a unit, by name. */
  properties(unit: string, ...names: string[]): { [name: string]: string } {
    const lines = this.systemctl("show", unit, `--property=${names.join(",")}`)
      .trim()
      .split("\n");
    return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s) as [string, string]));
  }

  /** Processes of a service, by their pids outside the namespace. */
  pidsOf(service: string): number[] {
    const path = `${this.#cgroup.directory(this.#cgroup.path)}/system.slice/${service}/cgroup.procs`;
    try {
      return readFileSync(path, "utf8").split("\n").map(Number).filter(Boolean);
    } catch {
      return [];
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The end of the first process of a pid namespace kills all other processes in it.
    try {
      if (this.#pid > 0) process.kill(this.#pid, "SIGKILL");
      else this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#child.exited;
    const directory = this.#cgroup.directory(this.#cgroup.path);
    for (const name of [...new Bun.Glob("**/").scanSync({ cwd: directory, onlyFiles: false })].sort().reverse()) {
      rmdirSync(join(directory, name));
    }
    await this.#cgroup[Symbol.asyncDispose]();
  }

  async #booted(): Promise<void> {
    const unshare = this.#child.pid;
    const isFirst = () => {
      const [pid] = textOf(`/proc/${unshare}/task/${unshare}/children`).split(" ");
      this.#pid = Number(pid);
      return this.#pid > 0 && textOf(`/proc/${this.#pid}/comm`) === "systemd\n";
    };
    const hasEnded = () => this.#child.exitCode !== null;
    await until("systemd to be the first process", () => hasEnded() || isFirst());
    if (hasEnded()) throw new Error(`no systemd: ${await new Response(this.#child.stderr).text()}`);
    await until("systemd to be up", () => this.run("systemctl", "is-active", "test.target").exitCode === 0);
  }
}

/** Empty, where the process is gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
