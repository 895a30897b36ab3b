import { closeSync, constants, lstatSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { cannotRunError, usageError } from "../errors.ts";
import { printable } from "../json/printable.ts";
import { Child, type CpuUsage } from "../sys/child.ts";
import { needTool, toolEnv } from "../sys/tool.ts";
import type { ObserverContext } from "./observer.ts";
import { SupervisedChild } from "./supervised-child.ts";

/** Maximum size of a file that a program writes, bytes. Without a limit, a program could fill the disk. */
const MAX_FILE_BYTES = 1024 * 1024 * 1024;
/** How long a program may take until it watches, ms. bpftrace compiles first; the machine may be loaded. */
const READY_TIMEOUT_MS = 30_000;
const READY_POLL_MS = 20;

export interface LaunchOptions {
  /** Absolute path and arguments. */
  argv: string[];
  /** A private folder for this program alone. It holds the output, and is the home and the working directory. */
  folder: string;
  /** The signal that asks the program to end. The program can then write its buffered output. */
  stopSignal: "SIGINT" | "SIGTERM";
  /**
   * Whether a supervisor ends the program and all its descendants when the program is stopped, or when linnix is gone.
   */
  isSupervised: boolean;
  /** Environment variables in addition to those of `toolEnv`, which every program gets. */
  env?: Record<string, string>;
}

/**
 * A running program in a session of its own. Ctrl-C on the terminal does not reach the program, so linnix decides when
 * it ends. Its standard output goes to `outputPath`, without a pipe through this process.
 */
export class LaunchedTool {
  readonly outputPath: string;
  readonly errorPath: string;
  readonly #name: string;
  readonly #child: Child | SupervisedChild;

  constructor(options: LaunchOptions) {
    const { folder, stopSignal } = options;
    this.#name = options.argv[0]?.split("/").pop() ?? "";
    this.outputPath = join(folder, "output");
    this.errorPath = join(folder, "errors");
    const argv = bounded(options.argv);
    using files = new DisposableStack();
    const stdout = files.adopt(createFile(this.outputPath), closeSync);
    const stderr = files.adopt(createFile(this.errorPath), closeSync);
    const common = { argv, env: { ...toolEnv(folder), ...options.env }, cwd: folder, stdout, stderr, stopSignal };
    this.#child = options.isSupervised
      ? new SupervisedChild({ ...common, folder, deathSignal: "SIGKILL" })
      : new Child(common);
  }

  /** The program's pid. If the program is supervised, this is 0 until {@link whenReady} calls `ready`. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Whether the program has ended, by itself or because it was stopped. */
  get ended(): boolean {
    return this.#child.ended;
  }

  /** If the program ended without a request: how it ended, and its last output. Null otherwise. */
  problem(): string | null {
    const problem = this.#child.problem(this.#name);
    const words = problem === null ? "" : this.lastWords();
    return words === "" ? problem : `${problem}: ${words}`;
  }

  /** The last line that the program wrote to its standard error; "" for none. */
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

  /** Ends the program and, if it is supervised, all its descendants. Idempotent. */
  stop(): Promise<void> {
    return this.#child.stop();
  }

  /** Bytes in its output so far. */
  outputBytes(): number {
    return fileBytes(this.outputPath);
  }

  /** CPU time of the program and of the descendants that were waited for; null while it runs. */
  usage(): CpuUsage | null {
    return this.#child.usage();
  }

  /**
   * Waits until the program watches, which is when `ready` returns true.
   *
   * @throws LinnixError if the program ends first or takes too long; the reason of `signal` if that is aborted
   */
  async whenReady(ready: () => boolean | Promise<boolean>, signal?: AbortSignal): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    if (this.#child instanceof SupervisedChild) await this.#child.started(this.#name);
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

/**
 * Limits the size of files and runs a command. The script is a constant. $1 is the limit in blocks of 512 bytes, and
 * the other arguments are the command.
 */
const BOUNDS = `
ulimit -c 0
ulimit -f "$1"
shift
exec "$@"
`;

/**
 * The command, started by a shell that limits the size of the files it writes. The shell execs the command, so the pid
 * stays the same.
 */
function bounded(argv: readonly string[]): string[] {
  const shell = needTool("sh", "install a POSIX shell");
  return [shell, "-c", BOUNDS, "bounds", String(MAX_FILE_BYTES / 512), ...argv];
}

function createFile(path: string): number {
  const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
}

/** Size of a file; 0 if there is none. */
export function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * A new private folder for one start of a method.
 *
 * @throws LinnixError if another account could write to the run's folder
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
