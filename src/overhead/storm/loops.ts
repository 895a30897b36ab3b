import { availableParallelism } from "node:os";
import { cannotRunError } from "../../errors.ts";
import { Child } from "../../sys/child.ts";
import { needTool, runTool } from "../../sys/tool.ts";
import { selfCommand } from "../../workload/self-command.ts";
import type { StormCgroups } from "./cgroups.ts";

/** After this every process of a storm is gone, also if linnix was killed, s. */
export const DEADLINE_S = 15;

const LOOPS_PER_CPU = 2;
const MOST_LOOPS = 16;
/** Each has the memory of a runtime. */
const MOST_FORKERS = 4;
/** The hidden subcommand that is a forker. */
const SUBCOMMAND = "__storm";

/** Waits for a line before it becomes the command behind it, so that it is in its cgroup by then. At the end of its input it ends. */
const WAIT = 'read -r go && exec "$@"';
/** Should `timeout` be killed on its own, the kernel ends the loop after as much CPU time. */
const BOUND = `ulimit -t ${DEADLINE_S}`;
/** A fork and an exit. */
const FORKS = `${BOUND}; while :; do (:); done`;
/** A fork, an exec and an exit. */
const EXECS = `${BOUND}; while :; do "$0"; done`;

/** How many loops a storm has. */
export interface LoopCounts {
  /** linnix itself: bare processes, by vfork(2). A shell is too slow for a storm where page faults are. */
  forkers: number;
  /** Shells: every other one executes a program. */
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

/** @throws LinnixError (exit code 3) if a program is missing, or `timeout` fails with the options that the storm needs */
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

/** Programs that fork as fast as they can, in the cgroup of the storm. Disposed of, all of it has ended. */
export class StormLoops implements AsyncDisposable {
  readonly #cgroups: StormCgroups;
  readonly #children: readonly Child[];

  private constructor(cgroups: StormCgroups, children: readonly Child[]) {
    this.#cgroups = cgroups;
    this.#children = children;
  }

  /** They wait for `start`. @throws LinnixError if one cannot be started */
  static async open({ forkers, shells }: LoopCounts, tools: StormTools, cgroups: StormCgroups): Promise<StormLoops> {
    await using begun = new AsyncDisposableStack();
    const children: Child[] = [];
    const commands = [
      ...Array.from({ length: forkers }, () => selfCommand(SUBCOMMAND)),
      ...Array.from({ length: shells }, (_, number) => shell(number, tools)),
    ];
    for (const command of commands) {
      // No leash: the kernel would end `timeout` with us, and the loop would lose its deadline.
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

  /** Loops that run. */
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
