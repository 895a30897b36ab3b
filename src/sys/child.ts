import { constants } from "node:os";
import { cannotRunError } from "../errors.ts";
import { signalGroup } from "./descendants.ts";
import { findLeash, TOOL_PATH } from "./tool.ts";

/**
 * CPU time of a process and of all descendants that were waited for, from wait4(2). This is the kernel's exact sum and
 * includes the start-up. Peak memory is left out: after vfork(2) and execve(2) it still includes the parent's pages.
 */
export interface CpuUsage {
  cpuUserUs: number;
  cpuSystemUs: number;
}

/** How a program is started. */
export interface ChildOptions {
  /** The program's absolute path, followed by its arguments. */
  argv: readonly string[];
  /** By default PATH alone. */
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** By default no input. */
  stdin?: "pipe" | "ignore";
  /** A file descriptor; `pipe` is for {@link Child.lines} and {@link Child.answer}. */
  stdout: number | "pipe" | "ignore";
  /** `pipe` stores the last output for {@link Child.said} and {@link Child.hear}. */
  stderr: number | "pipe" | "ignore";
  /** The signal that asks the program to end. Without one, the end of its input asks it. */
  stopSignal?: "SIGINT" | "SIGTERM";
  /** The signal that the kernel sends the program when this process dies. Without one, the program's input ends. */
  deathSignal?: "KILL" | "TERM";
}

/** How long a program may take to end after the request, ms. */
const STOP_GRACE_MS = 5_000;
/** How long the program may take to print the awaited text, ms. The machine may be loaded. */
const ANSWER_MS = 30_000;
/** How much of the last output on stderr is stored. */
const STDERR_CHARS = 16 * 1024;

/**
 * A program in a session of its own. Ctrl-C on the terminal does not reach the program, so linnix decides when it ends.
 * With a `deathSignal` and a suitable setpriv, the program does not outlive this process.
 */
export class Child implements AsyncDisposable {
  readonly pid: number;
  readonly #child: Bun.Subprocess;
  readonly #stopSignal: ChildOptions["stopSignal"];
  readonly #listeners = new Set<() => void>();
  readonly #lines: AsyncGenerator<string>;
  #said = "";
  #unheard = "";
  #heard: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | null = null;

  /**
   * @throws LinnixError (exit code 3) if the program cannot be started. With a `leash`, setpriv starts the program:
   *   then the constructor does not throw, and the child ends with status 126 or 127
   */
  constructor(options: ChildOptions) {
    const { argv, env = { PATH: TOOL_PATH }, cwd = "/", stdin = "ignore", stdout, stderr, deathSignal } = options;
    this.#stopSignal = options.stopSignal;
    try {
      this.#child = Bun.spawn([...leash(deathSignal), ...argv], { env, cwd, stdin, stdout, stderr, detached: true });
    } catch (cause) {
      const why = (cause as Error).message;
      throw cannotRunError("subject-not-started", { what: `cannot start ${argv[0]}`, why }, { cause });
    }
    this.pid = this.#child.pid;
    this.#lines = linesOf(this.#child.stdout);
    if (this.#child.stderr instanceof ReadableStream) this.#heard = this.#hear(this.#child.stderr);
    void this.#child.exited.then(() => {
      // Ends processes that the program started and did not wait for, such as the `sleep` of a loop. Later, the number
      // of the group may belong to other processes.
      signalGroup(this.pid, constants.signals.SIGKILL);
      this.#notify();
    });
  }

  /** Whether the program has ended, by itself or because it was stopped. */
  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The program's exit code; null while it runs, or if a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** The signal that ended the program; null while it runs, or if it ended by itself. */
  get signalCode(): NodeJS.Signals | number | null {
    return this.#child.signalCode;
  }

  /** The last 16,384 characters that the program printed on stderr. */
  get said(): string {
    return this.#said;
  }

  /** How the program ended, if linnix did not request its end; null otherwise. */
  problem(name = "it"): string | null {
    return this.ended && this.#stopping === null ? endText(name, this.#child) : null;
  }

  /** CPU time of the program and its descendants that were waited for; null while it runs. */
  usage(): CpuUsage | null {
    const cpu = this.ended ? this.#child.resourceUsage()?.cpuTime : undefined;
    return cpu === undefined ? null : { cpuUserUs: Number(cpu.user), cpuSystemUs: Number(cpu.system) };
  }

  /** Writes a line to the program's standard input. Ignores the error if the program has ended. */
  async send(line: string): Promise<void> {
    const { stdin } = this.#child;
    if (stdin === undefined || typeof stdin === "number") throw new Error("its input is not a pipe");
    try {
      stdin.write(`${line}\n`);
      await stdin.flush();
    } catch {
      // EPIPE
    }
  }

  /** The next line of the program's standard output; null if the output ends first, or after `timeoutMs`. */
  async answer(timeoutMs: number): Promise<string | null> {
    const { promise, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(resolve, timeoutMs, null);
    const next = await Promise.race([this.#lines.next(), promise]);
    clearTimeout(timer);
    return next === null || next.done ? null : next.value;
  }

  /** The lines of the program's standard output, up to its end. */
  lines(): AsyncGenerator<string> {
    return this.#lines;
  }

  /**
   * Waits until the program prints `words` on stderr. Output up to the words of the previous call does not count.
   *
   * @returns whether it printed them; false if it ended first, the time is up, or `signal` was aborted
   */
  async hear(words: string, options: { timeoutMs?: number; signal?: AbortSignal | undefined } = {}): Promise<boolean> {
    const { timeoutMs = ANSWER_MS, signal } = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (this.#unheard.includes(words) || this.ended || signal?.aborted) resolve();
    };
    this.#listeners.add(look);
    signal?.addEventListener("abort", look);
    const timer = setTimeout(resolve, timeoutMs);
    look();
    await promise;
    clearTimeout(timer);
    signal?.removeEventListener("abort", look);
    this.#listeners.delete(look);
    // The program's last output may still be in the pipe.
    if (this.ended) await this.#heard;
    const at = this.#unheard.indexOf(words);
    if (at < 0) return false;
    this.#unheard = this.#unheard.slice(at + words.length);
    return true;
  }

  /**
   * Kills the program's process group immediately. The kernel does not reuse the number of the group before wait(2).
   */
  kill(): void {
    if (!this.ended) signalGroup(this.pid, constants.signals.SIGKILL);
  }

  /** Asks the program to end, and kills its process group after `graceMs`. Idempotent. */
  stop(graceMs = STOP_GRACE_MS): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Resolves when the program has ended and its stderr has been read. */
  async waitForEnd(): Promise<void> {
    await this.#child.exited;
    await this.#heard;
  }

  async #stop(graceMs: number): Promise<void> {
    const { stdin } = this.#child;
    if (!this.ended) {
      if (this.#stopSignal !== undefined) signalGroup(this.pid, constants.signals[this.#stopSignal]);
      else if (typeof stdin === "object") await Promise.resolve(stdin.end()).catch(() => {});
      const timer = setTimeout(() => this.kill(), graceMs);
      await this.#child.exited;
      clearTimeout(timer);
    }
    await this.#heard;
  }

  async #hear(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const piece of stream) {
        const text = decoder.decode(piece, { stream: true });
        this.#said = (this.#said + text).slice(-STDERR_CHARS);
        this.#unheard = (this.#unheard + text).slice(-STDERR_CHARS);
        this.#notify();
      }
    } catch {
      // The program has ended.
    }
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** How a process ended, as a clause. */
export function endText(
  name: string,
  { exitCode, signalCode }: { exitCode: number | null; signalCode: string | number | null },
): string {
  return signalCode === null ? `${name} ended with status ${exitCode}` : `${name} was ended by ${signalCode}`;
}

/**
 * Words to put before a command so that the kernel sends it `deathSignal` when this process dies. They are empty if
 * there is no signal or no suitable setpriv. setpriv executes the command in its own place, so the pid stays the same.
 */
export function leash(deathSignal: ChildOptions["deathSignal"]): string[] {
  const setpriv = deathSignal === undefined ? null : findLeash();
  return setpriv === null || deathSignal === undefined ? [] : [setpriv, "--pdeathsig", deathSignal, "--"];
}

async function* linesOf(stream: Bun.Subprocess["stdout"]): AsyncGenerator<string> {
  if (!(stream instanceof ReadableStream)) return;
  const cutter = new LineCutter();
  const decoder = new TextDecoder();
  for await (const bytes of stream) yield* cutter.push(decoder.decode(bytes, { stream: true }));
}

/** Cuts a stream of text into its lines. */
export class LineCutter {
  #rest: string[] = [];

  /** The lines that this piece completes. */
  push(piece: string): string[] {
    const parts = piece.split("\n");
    if (parts.length === 1) {
      if (piece !== "") this.#rest.push(piece);
      return [];
    }
    const first = this.#rest.join("") + (parts[0] ?? "");
    const last = parts.at(-1) ?? "";
    this.#rest = last === "" ? [] : [last];
    return [first, ...parts.slice(1, -1)];
  }
}
