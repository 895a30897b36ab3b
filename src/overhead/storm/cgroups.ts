import { randomBytes } from "node:crypto";
import { closeSync, constants, mkdirSync, openSync, readdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { readV1Mounts } from "../../cgroup/cgroup-mount.ts";
import { FOREIGN_HINT } from "../../cgroup/cgroup-namespace.ts";
import { log } from "../../config/log.ts";
import { cannotRunError, type LinnixError } from "../../errors.ts";
import { lockFile } from "../../sys/flock.ts";
import { refusalCode } from "../../sys/refusal.ts";
import { killAllIn, pidsIn, removeCgroup, writeCgroupFile } from "./cgroup-files.ts";
import { CONTROLLERS, type Controller, type Hierarchy, readHierarchy } from "./hierarchy.ts";

/** Most processes and threads of the storm at a time. */
export const PIDS_MAX = 256;
/** The lowest weight that the kernel accepts; the default is 100. */
export const CPU_WEIGHT = 1;
/** The lowest value of cpu.shares in cgroup v1; the default is 1024. */
export const CPU_SHARES = 2;

const STORM_NAME = "linnix-storm-";
const NEIGHBOUR_NAME = "linnix-neighbour-";
/** The name lists the controllers that the run enabled. If the run was killed, a later run disables them. */
const NAME = /^linnix-(?:storm-[0-9a-f]{8}((?:-cpu|-pids)*)|neighbour-[0-9a-f]{8})$/;

/**
 * A cgroup with limits for the storm and a cgroup for its neighbour, both children of the root. Disposing of it removes
 * them. A lock on the root allows one run at a time, so cgroups that a run finds are left over from a killed run.
 */
export class StormCgroups implements AsyncDisposable {
  readonly hierarchy: Hierarchy;
  /** Id of the storm's cgroup, as in events. */
  readonly stormId: number;
  /** Paths in the v2 hierarchy. */
  readonly stormPath: string;
  readonly neighbourPath: string;
  readonly #resources: AsyncDisposableStack;

  private constructor(hierarchy: Hierarchy, names: Names, resources: AsyncDisposableStack) {
    this.hierarchy = hierarchy;
    this.stormPath = `/${names.storm}`;
    this.neighbourPath = `/${names.neighbour}`;
    this.stormId = Number(statSync(this.#stormDirectory, { bigint: true }).ino);
    this.#resources = resources;
  }

  /**
   * Removes the cgroups that killed runs have left, and makes new ones.
   * @throws LinnixError (exit code 3) if that is not possible here
   */
  static async open(): Promise<StormCgroups> {
    await using resources = new AsyncDisposableStack();
    const { root } = readHierarchy();
    const lock = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
    resources.defer(() => closeSync(lock));
    if (!lockFile(lock)) {
      throw cannotRunError("storm-runs", {
        what: "overhead-test --storm cannot run here",
        why: `another storm test is running on this machine, or another process has locked ${root}`,
        hint: `wait for its end; fuser ${root} shows it`,
      });
    }
    await sweep(root);
    // Read again after the sweep, because it disables controllers.
    const hierarchy = readHierarchy();
    const names = namesFor(hierarchy);
    try {
      makeCgroups(hierarchy, names, resources);
    } catch (error) {
      throw refusal(error, root);
    }
    return new StormCgroups(hierarchy, names, resources.move());
  }

  get #stormDirectory(): string {
    return `${this.hierarchy.root}${this.stormPath}`;
  }

  /** Moves a process into the cgroup of the storm. From then on it is killed with the storm. */
  addToStorm(pid: number): void {
    for (const root of rootsOf(this.hierarchy)) writeCgroupFile(`${root}${this.stormPath}`, "cgroup.procs", `${pid}`);
  }

  addNeighbour(pid: number): void {
    writeCgroupFile(`${this.hierarchy.root}${this.neighbourPath}`, "cgroup.procs", `${pid}`);
  }

  /** Pids of the processes that are now in the storm. */
  stormPids(): number[] {
    return pidsIn(this.#stormDirectory);
  }

  async killStorm(): Promise<void> {
    const left = await killAllIn(this.#stormDirectory);
    if (left.length > 0) log.warn(`processes of the storm did not end after SIGKILL: ${left.join(", ")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

interface Names {
  storm: string;
  neighbour: string;
}

function namesFor({ missing }: Hierarchy): Names {
  const id = randomBytes(4).toString("hex");
  const enabled = missing.map((controller) => `-${controller}`).join("");
  return { storm: `${STORM_NAME}${id}${enabled}`, neighbour: `${NEIGHBOUR_NAME}${id}` };
}

/** Roots of the hierarchies, v2 first: killing goes by the v2 cgroup, so a process must be in that one first. */
function rootsOf({ root, legacy }: Hierarchy): string[] {
  return [...new Set([root, ...legacy.values()])];
}

function makeCgroups(hierarchy: Hierarchy, names: Names, resources: AsyncDisposableStack): void {
  const { root, missing, legacy } = hierarchy;
  // Disposed of last, because a controller can be disabled only once no child cgroup uses it.
  if (missing.length > 0) resources.defer(() => disable(root, missing));
  for (const at of rootsOf(hierarchy)) makeCgroup(`${at}/${names.storm}`, resources);
  makeCgroup(`${root}/${names.neighbour}`, resources);
  if (missing.length > 0) writeCgroupFile(root, "cgroup.subtree_control", missing.map((each) => `+${each}`).join(" "));
  const directoryOf = (controller: Controller): string => `${legacy.get(controller) ?? root}/${names.storm}`;
  const isV1 = legacy.has("cpu");
  writeCgroupFile(directoryOf("cpu"), isV1 ? "cpu.shares" : "cpu.weight", `${isV1 ? CPU_SHARES : CPU_WEIGHT}`);
  writeCgroupFile(directoryOf("pids"), "pids.max", `${PIDS_MAX}`);
}

function makeCgroup(directory: string, resources: AsyncDisposableStack): void {
  mkdirSync(directory);
  resources.defer(async () => {
    await killAllIn(directory);
    if (!(await removeCgroup(directory))) log.warn(`${directory} cannot be removed: the next --storm removes it`);
  });
}

/** Kills the processes in the cgroups of killed runs, and removes these cgroups. */
async function sweep(root: string): Promise<void> {
  for (const name of readdirSync(root)) {
    const match = NAME.exec(name);
    if (match === null) continue;
    const [, enabled = ""] = match;
    await killAllIn(`${root}/${name}`);
    const isGone = await Promise.all(readV1Mounts().map((v1) => removeCgroup(`${v1}/${name}`)));
    // The v2 cgroup is removed last, because the next run finds the v1 cgroups by its name.
    const areGone = isGone.every(Boolean) && (await removeCgroup(`${root}/${name}`));
    if (!areGone) log.warn(`the cgroup ${name} of an earlier run cannot be removed`);
    disable(
      root,
      CONTROLLERS.filter((controller) => enabled.includes(`-${controller}`)),
    );
  }
}

/** Disables controllers one by one, because the kernel applies a line as a whole. A controller in use stays enabled. */
function disable(root: string, controllers: readonly Controller[]): void {
  for (const controller of controllers) {
    try {
      writeCgroupFile(root, "cgroup.subtree_control", `-${controller}`);
    } catch {
      // Another cgroup uses the controller.
    }
  }
}

function refusal(error: unknown, root: string): LinnixError {
  const code = refusalCode(error);
  const what = "overhead-test --storm cannot run here";
  if (code === "EBUSY" || code === "EOPNOTSUPP") {
    return cannotRunError(
      "cgroup",
      {
        what,
        why: `${root} has processes of its own, so it cannot enable controllers for child cgroups (${code})`,
        hint: FOREIGN_HINT,
      },
      { cause: error },
    );
  }
  const hint =
    code === "EROFS" || code === "EACCES" || code === "EPERM"
      ? "run linnix on the host, or start the container with --privileged --cgroupns=host"
      : undefined;
  return cannotRunError(
    "cgroup",
    { what, why: `cannot make cgroups in ${directoryOf(error) ?? root}: ${(error as Error).message}`, hint },
    { cause: error },
  );
}

/** Folder of the file that a system call refused; undefined if the error names none. */
function directoryOf(error: unknown): string | undefined {
  const { path } = error as NodeJS.ErrnoException;
  return path === undefined ? undefined : dirname(path);
}
