import { closeSync, constants, fstatSync, openSync, readSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { log } from "../config/log.ts";
import { cannotRunError } from "../errors.ts";
import { signalName } from "../process/signal-name.ts";
import { type CpuUsage, endText, leash } from "../sys/child.ts";
import type { EndedChild, LeftProcess } from "../sys/descendants.ts";
import type { SupervisorLine } from "../sys/supervise.ts";
import { selfCommand } from "../workload/self-command.ts";

/** How long a supervisor may take to start its program, ms: the machine may be loaded. */
const START_MS = 30_000;
const LOOK_MS = 2;
/**
 * How long a supervisor may take to end, ms. It forwards the signal and kills the program after 5 s. It tries for at
 * most 8 s to end the remaining processes.
 */
const STOP_MS = 20_000;
/** Maximum number of surviving processes that the warning names. */
const LEFT_NAMED = 5;
/** The bits of a wait status with the number of the signal. */
const SIGNAL_MASK = 0x7f;

/** How a program is started under a supervisor. */
export interface SupervisedOptions {
  /** The program's absolute path and its arguments. */
  argv: readonly string[];
  env: Record<string, string | undefined>;
  cwd: string;
  stdout: number;
  stderr: number;
  /** A private folder, for the file of the supervisor's reports. */
  folder: string;
  /** The signal that asks the program to end. */
  stopSignal: "SIGINT" | "SIGTERM";
  /** The signal that the program gets when linnix is gone. */
  deathSignal: "SIGKILL" | "SIGTERM";
}

/**
 * A program with a supervisor between it and linnix: a process that adopts all orphans of the program, and ends every
 * descendant of the program when the program ends, when linnix requests it, or when linnix is gone. It writes reports
 * to an unlinked file, so linnix need not read them during a measurement.
 */
export class SupervisedChild implements AsyncDisposable {
  readonly #options: SupervisedOptions;
  /** The file of the reports. The supervisor has it as descriptor 3. */
  readonly #fd: number;
  readonly #supervisor: Bun.Subprocess;
  #stopping: Promise<void> | null = null;
  #read = 0;
  #rest = "";
  #started: number | null = null;
  #failed: string | null = null;
  #ended: EndedChild | null = null;
  #left: readonly LeftProcess[] = [];
  #open = true;

  /** @throws LinnixError (exit code 3) if the supervisor cannot be started */
  constructor(options: SupervisedOptions) {
    this.#options = options;
    const { argv, env, cwd, stdout, stderr, folder, deathSignal } = options;
    const path = join(folder, "supervisor");
    const { O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    this.#fd = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    unlinkSync(path);
    // If the supervisor is killed, the kernel ends the program.
    const command = [...selfCommand("__supervise", "--", String(process.pid), deathSignal), ...leash("KILL"), ...argv];
    try {
      // Ctrl-C on the terminal does not reach a session of its own, so linnix decides when it ends.
      this.#supervisor = Bun.spawn(command, { env, cwd, stdio: ["ignore", stdout, stderr, this.#fd], detached: true });
    } catch (cause) {
      closeSync(this.#fd);
      throw cannotRunError("subject-not-started", { what: `cannot start ${argv[0]}`, why: (cause as Error).message });
    }
  }

  /** Starts a program and waits until it runs. @throws LinnixError (exit code 3) if it cannot be started */
  static async start(options: SupervisedOptions): Promise<SupervisedChild> {
    const child = new SupervisedChild(options);
    try {
      await child.started();
      return child;
    } catch (error) {
      await child.stop();
      throw error;
    }
  }

  /** Waits until the program runs. @throws LinnixError (exit code 3) if it cannot be started */
  async started(name = this.#options.argv[0]): Promise<void> {
    const deadline = performance.now() + START_MS;
    for (;;) {
      const ended = this.#supervisorEnded;
      this.#look();
      if (this.#started !== null) return;
      if (this.#failed !== null || ended || performance.now() > deadline) {
        throw cannotRunError("subject-not-started", {
          what: `cannot start ${name}`,
          why: this.#failed ?? (ended ? "its supervisor ended" : `nothing happened in ${START_MS / 1000} s`),
        });
      }
      await Bun.sleep(LOOK_MS);
    }
  }

  /** The program's pid; 0 before it runs. */
  get pid(): number {
    this.#look();
    return this.#started ?? 0;
  }

  /** Whether the program has ended, by itself or because it was stopped. */
  get ended(): boolean {
    this.#look();
    return this.#ended !== null || this.#supervisorEnded;
  }

  /** How the program ended if linnix did not request its end; null otherwise. */
  problem(name = "it"): string | null {
    if (!this.ended || this.#stopping !== null) return null;
    if (this.#ended === null) return `the supervisor of ${name} was ended`;
    const number = this.#ended.status & SIGNAL_MASK;
    return endText(name, {
      exitCode: this.#ended.status >> 8,
      signalCode: number === 0 ? null : signalName(number),
    });
  }

  /** CPU time of the program and of the processes that it waited for; null while it runs. */
  usage(): CpuUsage | null {
    this.#look();
    return this.#ended && { cpuUserUs: this.#ended.userUs, cpuSystemUs: this.#ended.systemUs };
  }

  /** Asks the program to end, then ends it and all its descendants. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    // The supervisor forwards the signal, and ends when all descendants have ended.
    this.#supervisor.kill(this.#options.stopSignal);
    const timer = setTimeout(() => {
      log.warn(
        `the supervisor of ${this.pid} did not end in ${STOP_MS / 1000} s. linnix kills it, and processes that ${this.pid} started may continue to run`,
      );
      this.#supervisor.kill("SIGKILL");
    }, STOP_MS);
    await this.#supervisor.exited;
    clearTimeout(timer);
    this.#look();
    this.#open = false;
    closeSync(this.#fd);
    this.#warnOfLeft();
  }

  get #supervisorEnded(): boolean {
    return this.#supervisor.exitCode !== null || this.#supervisor.signalCode !== null;
  }

  #warnOfLeft(): void {
    if (this.#left.length === 0) return;
    const names = this.#left.slice(0, LEFT_NAMED).map(({ pid, comm }) => `${comm} (${pid})`);
    const more = this.#left.length - names.length;
    log.warn(
      `could not end ${this.#left.length} ${this.#left.length === 1 ? "process" : "processes"} that ${this.pid} started: ` +
        `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}. They hang in the kernel, start others faster than ` +
        "they can be killed, or belong to another account: end them by hand",
    );
  }

  #look(): void {
    if (!this.#open) return;
    const size = fstatSync(this.#fd).size;
    if (size === this.#read) return;
    const bytes = new Uint8Array(size - this.#read);
    this.#read += readSync(this.#fd, bytes, 0, bytes.length, this.#read);
    const lines = (this.#rest + new TextDecoder().decode(bytes)).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#take(JSON.parse(line) as SupervisorLine);
  }

  #take(line: SupervisorLine): void {
    if ("started" in line) this.#started = line.started;
    else if ("failed" in line) this.#failed = line.failed;
    else if ("ended" in line) this.#ended = line.ended;
    else this.#left = line.left;
  }
}
