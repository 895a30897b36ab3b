import { closeSync, constants, lstatSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { constants as osConstants } from "node:os";
import { join } from "node:path";
import { cannotRunError, usageError } from "../errors.ts";
import { printable } from "../json/printable.ts";
import { needTool, toolEnv } from "../sys/tool.ts";
import type { ExitUsage, ObserverContext } from "./observer.ts";
import { Supervisor } from "./supervisor.ts";

/** Most that a program may write to one file, bytes: a run ends in time, but a full disk would outlast it. */
const MAX_FILE_BYTES = 1024 * 1024 * 1024;
/** How long a program has to end by itself after it was asked to, ms. */
const STOP_GRACE_MS = 5_000;
/** The supervisor kills after that grace, and gives up on what survives that after 8 s more. */
const SUPERVISED_STOP_MS = 20_000;
/** How long a program may take until it watches, ms. bpftrace compiles first; the machine may be loaded. */
const READY_TIMEOUT_MS = 30_000;
const READY_POLL_MS = 20;

export interface LaunchOptions {
  /** Absolute path and arguments. */
  argv: string[];
  /** A private folder of its own: its output, its home, its working directory. */
  folder: string;
  /** What asks it to end, so that it writes out what it still holds. */
  stopSignal: "SIGINT" | "SIGTERM";
  /** Whether a {@link Supervisor} ends it and all that it has started when it is stopped, or this process is gone. */
  isSupervised: boolean;
  /** Beside what every program gets, `toolEnv`. */
  env?: Record<string, string>;
}

/**
 * A program at work in a session of its own: Ctrl-C on the terminal does not reach it, so that it ends in our order.
 * Its standard output goes to `outputPath`, without a pipe through this process.
 */
export class LaunchedTool {
  readonly outputPath: string;
  readonly errorPath: string;
  readonly #name: string;
  readonly #child: Bun.Subprocess;
  readonly #stopSignal: "SIGINT" | "SIGTERM";
  readonly #supervisor: Supervisor | null;
  #stopping: Promise<void> | null = null;

  constructor(options: LaunchOptions) {
    this.#name = options.argv[0]?.split("/").pop() ?? "";
    this.#stopSignal = options.stopSignal;
    this.outputPath = join(options.folder, "output");
    this.errorPath = join(options.folder, "errors");
    const command = bounded(options.argv);
    const stdout = createFile(this.outputPath);
    this.#supervisor = options.isSupervised ? new Supervisor(options.folder) : null;
    try {
      const stderr = createFile(this.errorPath);
      try {
        this.#child = Bun.spawn(this.#supervisor?.command(command, "SIGKILL") ?? command, {
          env: { ...toolEnv(options.folder), ...options.env },
          cwd: options.folder,
          stdio:
            this.#supervisor === null ? ["ignore", stdout, stderr] : ["ignore", stdout, stderr, this.#supervisor.fd],
          detached: true,
        });
      } finally {
        closeSync(stderr);
      }
    } catch (error) {
      this.#supervisor?.[Symbol.dispose]();
      throw error;
    } finally {
      closeSync(stdout);
    }
  }

  /** The program's own; known once {@link whenReady} has begun to ask. */
  get pid(): number {
    return this.#supervisor === null ? this.#child.pid : (this.#supervisor.pid ?? 0);
  }

  /** Whether it has ended, by itself or because it was stopped. */
  get ended(): boolean {
    return this.#childEnded || (this.#supervisor?.ended ?? null) !== null;
  }

  get #childEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** How it ended before it was asked to, and its last words; null while all is well. */
  problem(): string | null {
    if (!this.ended || this.#stopping !== null) return null;
    const { signalCode, exitCode } = this.#end();
    const how = signalCode !== null ? `was ended by ${signalCode}` : `ended with status ${exitCode}`;
    const words = this.lastWords();
    return `${this.#name} ${how}${words === "" ? "" : `: ${words}`}`;
  }

  /** The last line that it wrote to its standard error; "" for none. */
  lastWords(): string {
    try {
      const lines = readFileSync(this.errorPath, "latin1").slice(-4096).trimEnd().split("\n");
      return printable(lines.at(-1) ?? "")
        .slice(0, 300)
        .trim();
    } catch {
      return "";
    }
  }

  /** Ends it and all that it has started. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (this.#supervisor === null) return this.#stopGroup();
    // It passes this on, and ends itself when nothing is left.
    this.#child.kill(this.#stopSignal);
    if (!(await this.#endedWithin(SUPERVISED_STOP_MS))) this.#child.kill("SIGKILL");
    await this.#child.exited;
    this.#supervisor.warnOfLeft(this.pid);
    this.#supervisor[Symbol.dispose]();
  }

  async #stopGroup(): Promise<void> {
    if (!this.#childEnded) {
      signalGroup(this.#child.pid, this.#stopSignal);
      if (!(await this.#endedWithin(STOP_GRACE_MS))) signalGroup(this.#child.pid, "SIGKILL");
      await this.#child.exited;
    }
    // What it has started and not waited for, such as the `sleep` of a loop.
    signalGroup(this.#child.pid, "SIGKILL");
  }

  async #endedWithin(milliseconds: number): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), milliseconds);
    });
    const inTime = await Promise.race([this.#child.exited.then(() => true), late]);
    clearTimeout(timer);
    return inTime;
  }

  #end(): { signalCode: string | number | null; exitCode: number | null } {
    const end = this.#supervisor?.ended ?? null;
    if (this.#supervisor === null || end === null) return this.#child;
    const { signal, exitCode } = this.#supervisor;
    const named = Object.entries(osConstants.signals).find(([, number]) => number === signal);
    return { signalCode: named?.[0] ?? signal, exitCode };
  }

  /** Bytes in its output so far. */
  outputBytes(): number {
    return fileBytes(this.outputPath);
  }

  /** What it and its descendants used; null while it runs. */
  usage(): ExitUsage | null {
    const end = this.#supervisor?.ended ?? null;
    if (end !== null) return { cpuUserUs: end.userUs, cpuSystemUs: end.systemUs };
    const cpu = this.#supervisor === null && this.ended ? this.#child.resourceUsage()?.cpuTime : undefined;
    return cpu === undefined ? null : { cpuUserUs: Number(cpu.user), cpuSystemUs: Number(cpu.system) };
  }

  /**
   * Waits until it watches.
   *
   * @throws LinnixError where it ends first or takes too long; the signal's reason where that is aborted
   */
  async whenReady(ready: () => boolean | Promise<boolean>, signal?: AbortSignal): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    await this.#supervisor?.started(this.#name, () => this.#childEnded);
    while (true) {
      signal?.throwIfAborted();
      if (this.ended) {
        throw cannotRunError("method-ended", {
          what: this.problem() ?? `${this.#name} was stopped before it was watching`,
          hint: `try ${this.#name} by hand, or leave it out with --methods`,
        });
      }
      if (await ready()) return;
      if (performance.now() > deadline) {
        throw cannotRunError("method-not-ready", {
          what: `${this.#name} was not watching after ${READY_TIMEOUT_MS / 1000} s`,
          why: this.lastWords() || undefined,
          hint: `try ${this.#name} by hand, or leave it out with --methods`,
        });
      }
      await Bun.sleep(READY_POLL_MS);
    }
  }
}

/** Bounds what is written. Constant text: all that differs comes as arguments. $1 blocks of 512 bytes, then the command. */
const BOUNDS = `
ulimit -c 0
ulimit -f "$1"
shift
exec "$@"
`;

/** A command with a bound on what it writes. Each is an exec of the next, so the pid stays. */
function bounded(argv: readonly string[]): string[] {
  const shell = needTool("sh", "install a POSIX shell");
  return [shell, "-c", BOUNDS, "bounds", String(MAX_FILE_BYTES / 512), ...argv];
}

/** Sends a signal to every process of the session that `leader` began; none is left is no error. */
function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // ESRCH: all of them have ended.
  }
}

function createFile(path: string): number {
  const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
}

/** Size of a file; 0 where there is none. */
export function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * A new private folder for one start of a method.
 *
 * @throws LinnixError where somebody else could write to the run's folder
 */
export function makeFolder(context: ObserverContext, name: string): string {
  const stat = lstatSync(context.tempDir, { throwIfNoEntry: false });
  if (!stat?.isDirectory() || stat.uid !== process.geteuid?.() || (stat.mode & 0o077) !== 0) {
    throw usageError("temp-dir", {
      what: `${printable(context.tempDir)} is not a private folder of this user`,
      hint: "give a folder made by mkdtemp (mode 0700)",
    });
  }
  return mkdtempSync(join(context.tempDir, `${name}-`));
}

/** Removes what `makeFolder` made. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
