import { cannotRunError, EXIT, type ExitCode, LinnixError } from "../errors.ts";
import { Child } from "../sys/child.ts";
import { TOOL_PATH } from "../sys/tool.ts";
import { GroundTruth } from "./ground-truth.ts";
import { killLeftChildren, removeLeftFolder } from "./leftovers.ts";
import { COMMAND, type Message, parseMessage, type ReadyMessage, type ResultMessage } from "./protocol.ts";
import { selfCommand } from "./self-command.ts";
import { planWorkload, type WorkloadPlan, type WorkloadSpec } from "./spec.ts";
import { TruthColumns } from "./truth-columns.ts";
import { type WorkloadResult, workloadResult } from "./workload-result.ts";

/** The hidden subcommand that is the spawner. */
const SUBCOMMAND = "__workload";
/** How long the spawner may take beyond what its plan allows, ms. */
const GRACE_MS = 15_000;
/** How long the spawner may take to clean up after its input has ended, ms. */
const CLEANUP_MS = 6_000;

/** The facts of a prepared workload, before anything is spawned. */
export interface WorkloadReady {
  /** Parent of all processes that the workload will spawn, for `strace -p` and filters by parent. */
  spawnerPid: number;
  folder: string;
  commands: ReadyMessage["commands"];
  leftOut: ReadyMessage["leftOut"];
}

/** A workload in a process of its own. Disposing of it ends the workload early and leaves no process and no file. */
export interface WorkloadHandle extends AsyncDisposable {
  /** Resolves once the spawner is ready to spawn. */
  readonly ready: Promise<WorkloadReady>;
  /** Resolves when the run is over, by its own bounds or by `stop`. */
  readonly done: Promise<WorkloadResult>;
  /** Begins to spawn as soon as the spawner is ready. */
  start(): Promise<void>;
  /** Ends the workload: it spawns no more, and the last children have `drainMs` to end. */
  stop(): Promise<WorkloadResult>;
}

/** Deviations from the ordinary start of the spawner. */
export interface WorkloadOptions {
  /** The whole command line up to the spawner's options; default `workloadCommand()`. */
  command?: readonly string[] | undefined;
}

/** The command line of the spawner, such as `linnix __workload`. A wrapper (`strace -f …`) can run it. */
export function workloadCommand(): string[] {
  return selfCommand(SUBCOMMAND);
}

/**
 * Prepares a workload; nothing is spawned before `start`.
 *
 * @throws LinnixError (usage) if the spec is not possible. `ready` and
 *   `done` reject with a LinnixError if the spawner cannot run or ends early.
 */
export function runWorkload(spec: WorkloadSpec, options: WorkloadOptions = {}): WorkloadHandle {
  return new SpawnerClient(planWorkload(spec), options.command ?? workloadCommand());
}

class SpawnerClient implements WorkloadHandle {
  readonly ready: Promise<WorkloadReady>;
  readonly done: Promise<WorkloadResult>;
  readonly #plan: WorkloadPlan;
  readonly #child: Child;
  readonly #ready = Promise.withResolvers<WorkloadReady>();
  readonly #done = Promise.withResolvers<WorkloadResult>();
  readonly #columns = new TruthColumns(0);
  #readyMessage: ReadyMessage | null = null;
  #result: ResultMessage | null = null;
  #error: LinnixError | null = null;
  #deadline: Timer | null = null;

  constructor(plan: WorkloadPlan, command: readonly string[]) {
    this.#plan = plan;
    this.ready = this.#ready.promise;
    this.done = this.#done.promise;
    // A caller that awaits the promise sees the failure. Without such a caller, it must not crash the process.
    this.ready.catch(() => {});
    this.done.catch(() => {});
    this.#child = new Child({
      argv: command,
      env: spawnerEnvironment(),
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    void this.#child.send(JSON.stringify(plan));
    void this.#follow();
  }

  async start(): Promise<void> {
    await this.ready;
    const { durationMs, drainMs } = this.#plan;
    this.#deadline ??= setTimeout(() => this.#child.kill(), durationMs + drainMs + GRACE_MS);
    await this.#child.send(COMMAND.start);
  }

  stop(): Promise<WorkloadResult> {
    void this.#child.send(COMMAND.stop);
    return this.done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop(CLEANUP_MS);
    await this.done.catch(() => {});
  }

  async #follow(): Promise<void> {
    try {
      await this.#readMessages();
    } catch (cause) {
      this.#error ??= cannotRunError(
        "workload-failed",
        { what: "the workload generator printed a line that linnix cannot parse", why: String(cause) },
        { cause },
      );
      this.#child.kill();
    }
    await this.#child.waitForEnd();
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    // The spawner kills its children and removes its folder itself, unless SIGKILL ended it.
    if (this.#readyMessage !== null) {
      if (this.#result === null) killLeftChildren(this.#child.pid, this.#readyMessage.run);
      removeLeftFolder(this.#readyMessage.folder);
    }
    this.#settle();
  }

  async #readMessages(): Promise<void> {
    for await (const line of this.#child.lines()) this.#take(parseMessage(line));
  }

  #take(message: Message): void {
    if (message.type === "ready") {
      this.#readyMessage = message;
      const { spawnerPid, folder, commands, leftOut } = message;
      this.#ready.resolve({ spawnerPid, folder, commands, leftOut });
    } else if (message.type === "rows") {
      this.#columns.append(message.rows);
    } else if (message.type === "result") {
      this.#result = message;
    } else {
      const { code, exitCode, what, why, hint } = message;
      this.#error = new LinnixError(code, asExitCode(exitCode), { what, why, hint });
    }
  }

  #settle(): void {
    const ready = this.#readyMessage;
    const result = this.#result;
    if (ready !== null && result !== null && this.#error === null) {
      const { folder, spawnerPid, originNs, run, commands } = ready;
      const truth = new GroundTruth({ folder, spawnerPid, originNs, run, commands }, this.#columns);
      this.#done.resolve(workloadResult(this.#plan, ready, truth, result));
      return;
    }
    const { exitCode, signalCode } = this.#child;
    const how = signalCode === null ? `exit code ${exitCode}` : signalCode;
    const error =
      this.#error ??
      cannotRunError("workload-ended", {
        what: "the workload generator ended before it had a result",
        why: [how, this.#child.said.trim().split("\n").at(-1)].filter(Boolean).join(": "),
      });
    this.#ready.reject(error);
    this.#done.reject(error);
  }
}

/** The spawner's environment: PATH, and from the user's environment only the folder for temporary files. */
function spawnerEnvironment(): Record<string, string> {
  const environment: Record<string, string> = { PATH: TOOL_PATH };
  if (process.env.TMPDIR !== undefined) environment.TMPDIR = process.env.TMPDIR;
  return environment;
}

function asExitCode(code: number): ExitCode {
  return Object.values(EXIT).find((known) => known === code) ?? EXIT.cannotRun;
}
