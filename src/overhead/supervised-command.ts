import { constants } from "node:os";
import { cannotRunError } from "../errors.ts";
import { Supervisor } from "../observers/supervisor.ts";
import type { PrivateFolder } from "../sys/private-folder.ts";

/** The supervisor passes the signal on, kills after 5 s, and gives up on what survives that after 8 s more. */
const STOP_MS = 20_000;

export interface SupervisedOptions {
  /** The program's absolute path and its arguments. */
  argv: readonly string[];
  env: Record<string, string | undefined>;
  cwd: string;
  /** A file descriptor for its standard output and standard error. */
  output: number;
  folder: PrivateFolder;
}

/** A command of the user's under a {@link Supervisor}: whatever it starts ends with it. */
export class SupervisedCommand implements AsyncDisposable {
  readonly pid: number;
  readonly #child: Bun.Subprocess;
  readonly #supervisor: Supervisor;
  #stopping: Promise<void> | null = null;

  private constructor(child: Bun.Subprocess, supervisor: Supervisor, pid: number) {
    this.#child = child;
    this.#supervisor = supervisor;
    this.pid = pid;
  }

  /** @throws LinnixError (exit code 3) if it cannot be started */
  static async start(options: SupervisedOptions): Promise<SupervisedCommand> {
    const { argv, env, cwd, output, folder } = options;
    const name = argv[0] ?? "";
    const supervisor = new Supervisor(folder.path);
    let child: Bun.Subprocess;
    try {
      child = Bun.spawn(supervisor.command(argv, "SIGTERM"), {
        env,
        cwd,
        stdio: ["ignore", output, output, supervisor.fd],
        // A session of its own: Ctrl-C on the terminal ends it in our order.
        detached: true,
      });
    } catch (cause) {
      supervisor[Symbol.dispose]();
      throw cannotRunError("subject-not-started", { what: `cannot start ${name}`, why: (cause as Error).message });
    }
    try {
      const pid = await supervisor.started(name, () => child.exitCode !== null || child.signalCode !== null);
      return new SupervisedCommand(child, supervisor, pid);
    } catch (error) {
      child.kill("SIGTERM");
      await child.exited;
      supervisor[Symbol.dispose]();
      throw error;
    }
  }

  /** Whether it has ended, by itself or because it was stopped. */
  get ended(): boolean {
    return this.#supervisor.ended !== null || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** How it ended before it was asked to; null while all is well. */
  problem(): string | null {
    if (!this.ended || this.#stopping !== null) return null;
    const { exitCode, signal } = this.#supervisor;
    if (signal !== null) return `it was ended by ${signalName(signal)}`;
    return exitCode === null ? "its supervisor was ended" : `it ended with status ${exitCode}`;
  }

  /** Asks it to end, and ends it and all that it has started. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#supervisor[Symbol.dispose]();
  }

  async #stop(): Promise<void> {
    this.#child.kill("SIGINT");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await this.#child.exited;
    clearTimeout(timer);
    this.#supervisor.warnOfLeft(this.pid);
  }
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`;
}
