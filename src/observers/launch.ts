import { closeSync, constants, lstatSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { cannotRunError, usageError } from "../errors.ts";
import type { ExitUsage, ObserverContext } from "./observer.ts";
import { findLeash, needTool, toolEnv } from "./tool.ts";

/** Most that a program may write to one file, bytes: a run ends in time, but a full disk would outlast it. */
const MAX_FILE_BYTES = 1024 * 1024 * 1024;
/** How long a program has to end by itself after it was asked to, ms. */
const STOP_GRACE_MS = 5_000;
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
  /** What the kernel sends it when this process dies without having stopped it; null where somebody else sees to it. */
  deathSignal: "KILL" | "TERM" | null;
  /** Beside what every program gets, `toolEnv`. */
  env?: Record<string, string>;
}

/**
 * A program at work in a session of its own: Ctrl-C on the terminal does not reach it, so that it ends in our order.
 * Its standard output goes to `outputPath`, without a pipe through this process.
 */
export class LaunchedTool {
  readonly pid: number;
  readonly outputPath: string;
  readonly errorPath: string;
  readonly #name: string;
  readonly #child: Bun.Subprocess;
  readonly #stopSignal: "SIGINT" | "SIGTERM";
  #stopping: Promise<void> | null = null;

  constructor(options: LaunchOptions) {
    this.#name = options.argv[0]?.split("/").pop() ?? "";
    this.#stopSignal = options.stopSignal;
    this.outputPath = join(options.folder, "output");
    this.errorPath = join(options.folder, "errors");
    const stdout = createFile(this.outputPath);
    try {
      const stderr = createFile(this.errorPath);
      try {
        this.#child = Bun.spawn([...leash(options.deathSignal), ...options.argv], {
          env: { ...toolEnv(options.folder), ...options.env },
          cwd: options.folder,
          stdin: "ignore",
          stdout,
          stderr,
          detached: true,
        });
      } finally {
        closeSync(stderr);
      }
    } finally {
      closeSync(stdout);
    }
    this.pid = this.#child.pid;
  }

  /** Whether it has ended, by itself or because it was stopped. */
  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** How it ended before it was asked to, and its last words; null while all is well. */
  problem(): string | null {
    if (!this.ended || this.#stopping !== null) return null;
    const how =
      this.#child.signalCode !== null
        ? `was ended by ${this.#child.signalCode}`
        : `ended with status ${this.#child.exitCode}`;
    const words = this.lastWords();
    return `${this.#name} ${how}${words === "" ? "" : `: ${words}`}`;
  }

  /** The last line that it wrote to its standard error; "" for none. */
  lastWords(): string {
    try {
      const lines = readFileSync(this.errorPath, "latin1").slice(-4096).trimEnd().split("\n");
      return printable(lines.at(-1) ?? "").trim();
    } catch {
      return "";
    }
  }

  /** Ends it and all of its session. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (!this.ended) {
      signalGroup(this.pid, this.#stopSignal);
      if (!(await this.#endedWithin(STOP_GRACE_MS))) signalGroup(this.pid, "SIGKILL");
      await this.#child.exited;
    }
    // What it has started and not waited for, such as the `sleep` of a loop.
    signalGroup(this.pid, "SIGKILL");
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

  /** Bytes in its output so far. */
  outputBytes(): number {
    return fileBytes(this.outputPath);
  }

  /** What it and its descendants used; null while it runs. */
  usage(): ExitUsage | null {
    const cpu = this.ended ? this.#child.resourceUsage()?.cpuTime : undefined;
    return cpu === undefined ? null : { cpuUserUs: Number(cpu.user), cpuSystemUs: Number(cpu.system) };
  }

  /**
   * Waits until it watches.
   *
   * @throws LinnixError where it ends first or takes too long; the signal's reason where that is aborted
   */
  async whenReady(ready: () => boolean | Promise<boolean>, signal?: AbortSignal): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
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
 * Looks whether the process that is to be outlived by nobody still is the parent, now that its death would be told, and
 * bounds what is written. Constant text: all that differs comes as arguments. $1 the parent, or nothing where its death
 * is not told, $2 blocks of 512 bytes, then the command.
 */
const LEASH = `
[ ! "$1" ] || [ "$1" = "$PPID" ] || exit 1
ulimit -c 0
ulimit -f "$2"
shift 2
exec "$@"
`;

/**
 * Words before a command that put it on a leash: the kernel ends it when this process dies, however that happens, and
 * bounds what it writes. Each is an exec of the next, so the pid stays. Without setpriv (util-linux) only the ways out
 * that this process can still act on are covered.
 */
function leash(deathSignal: string | null): string[] {
  const shell = needTool("sh", "install a POSIX shell");
  const setpriv = deathSignal === null ? null : findLeash();
  return [
    ...(setpriv === null || deathSignal === null ? [] : [setpriv, "--pdeathsig", deathSignal]),
    ...[shell, "-c", LEASH, "leash", setpriv === null ? "" : String(process.pid), String(MAX_FILE_BYTES / 512)],
  ];
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

/** A text from outside made fit for a message: no control character, and not without end. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?").slice(0, 300);
}
