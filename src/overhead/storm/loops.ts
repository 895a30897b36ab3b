import { availableParallelism } from "node:os";
import { cannotRunError } from "../../errors.ts";
import { Child } from "../../sys/child.ts";
import { needTool, runTool } from "../../sys/tool.ts";
import { selfCommand } from "../../workload/self-command.ts";
import type { StormCgroups } from "./cgroups.ts";

/** After this time every process of a storm has ended, even if linnix was killed, s. */
export const DEADLINE_S = 15;

const LOOPS_PER_CPU = 2;
const MOST_LOOPS = 16;
/** Most forkers, because each uses the memory of a runtime. */
const MOST_FORKERS = 4;
/** The hidden subcommand that is a forker. */
const SUBCOMMAND = "__storm";

/** Waits for a line, so that it can be moved to its cgroup, and then executes its arguments. Ends with its input. */
const WAIT = 'read -r go && exec "$@"';
/** If only `timeout` is killed, the kernel ends the loop once it has used this much CPU time. */
const BOUND = `ulimit -t ${DEADLINE_S}`;
/** A loop of a fork and an exit. */
const FORKS = `${BOUND}; while :; do (:); done`;
/** A loop of a fork, an exec and an exit. */
const EXECS = `${BOUND}; while :; do "$0"; done`;

/** How many loops a storm has. */
export interface LoopCounts {
  /** Processes of linnix that make bare processes by vfork(2). If page faults are slow, shells alone are too slow. */
  forkers: number;
  /** Shells. Every other shell executes a program in its loop. */
  shells: number;
}

/** Loops that make enough processes for a storm without making the machine unusable. */
export function loopsFor(cpus = availableParallelism()): LoopCounts {
  const forkers = Math.min(cpus, MOST_FORKERS);
  return { forkers, shells: Math.min(LOOPS_PER_CPU * cpus, MOST_LOOPS) - forkers };
}

/** The programs of a storm, by their absolute paths. */
export interface StormTools {
  sh: string;
  timeout: string;
  true: string;
}

/** @throws LinnixError (exit code 3) if a program is missing, or `timeout` fails with the options of the storm */
export async function findStormTools(): Promise<StormTools> {
  const tools = {
    sh: needTool("sh", "install a POSIX shell"),
    timeout: needTool("timeout", "install coreutils or busybox"),
    true: needTool("true", "install coreutils or busybox"),
  };
  const { status, stderr } = await runTool([...deadline(tools), tools.true]);
  if (status === 0) return tools;
  throw cannotRunError("bad-program", {
    what: `${tools.timeout} cannot end the storm`,
    why: `timeout -s KILL ${DEADLINE_S} true ended with status ${status}${stderr === "" ? "" : `: ${stderr.trim()}`}`,
    hint: "install coreutils, or busybox of 1.30 or later",
  });
}

function deadline({ timeout }: StormTools): string[] {
  return [timeout, "-s", "KILL", `${DEADLINE_S}`];
}

/** Programs that fork as fast as they can, in the storm's cgroup. Disposing of it ends all processes in the cgroup. */
export class StormLoops implements AsyncDisposable {
  readonly #cgroups: StormCgroups;
  readonly #children: readonly Child[];

  private constructor(cgroups: StormCgroups, children: readonly Child[]) {
    this.#cgroups = cgroups;
    this.#children = children;
  }

  /** Starts the loops, which wait for `start`. @throws LinnixError if a loop cannot be started */
  static async open({ forkers, shells }: LoopCounts, tools: StormTools, cgroups: StormCgroups): Promise<StormLoops> {
    await using begun = new AsyncDisposableStack();
    const children: Child[] = [];
    const commands = [
      ...Array.from({ length: forkers }, () => selfCommand(SUBCOMMAND)),
      ...Array.from({ length: shells }, (_, number) => shell(number, tools)),
    ];
    for (const command of commands) {
      // No `deathSignal`: if linnix died, the kernel would end `timeout`, and the loop would lose its deadline.
      const child = new Child({
        argv: [tools.sh, "-c", WAIT, "sh", ...deadline(tools), ...command],
        stdin: "pipe",
        stdout: "ignore",
        stderr: "ignore",
      });
      children.push(begun.use(child));
      cgroups.addToStorm(child.pid);
    }
    begun.move();
    return new StormLoops(cgroups, children);
  }

  async start(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.send("go")));
  }

  /** Number of loops that run. */
  get running(): number {
    return this.#children.filter((child) => !child.ended).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cgroups.killStorm();
    await Promise.all(this.#children.map((child) => child.stop()));
  }
}

function shell(number: number, { sh, true: path }: StormTools): string[] {
  return number % 2 === 0 ? [sh, "-c", EXECS, path] : [sh, "-c", FORKS];
}
