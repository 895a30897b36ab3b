import { constants } from "node:os";
import { cannotRunError } from "../errors.ts";
import { signalGroup } from "./descendants.ts";
import { findLeash, TOOL_PATH } from "./tool.ts";

/**
 * What a process and all the descendants that were waited for used, from wait4(2): the kernel's exact sum, start-up
 * included. Its peak memory is left out: after vfork(2) and execve(2) the kernel still counts the forker's pages in it.
 */
export interface CpuUsage {
  cpuUserUs: number;
  cpuSystemUs: number;
}

/** How a program is started. */
export interface ChildOptions {
  /** The program's absolute path and its arguments. */
  argv: readonly string[];
  /** Left out: PATH alone. */
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** Left out: no input. */
  stdin?: "pipe" | "ignore";
  /** A file descriptor; `pipe` is for {@link Child.lines} and {@link Child.answer}. */
  stdout: number | "pipe" | "ignore";
  /** `pipe` keeps what it prints last for {@link Child.said} and {@link Child.hear}. */
  stderr: number | "pipe" | "ignore";
  /** What asks it to end; left out: the end of its input. */
  stopSignal?: "SIGINT" | "SIGTERM";
  /** What the kernel sends it when this process dies without having stopped it; left out: it sees the end of its input. */
  deathSignal?: "KILL" | "TERM";
}

/** How long a program may take to end after the request, ms. */
const STOP_GRACE_MS = 5_000;
/** How long it may take to say what is waited for, ms: the machine may be loaded. */
const ANSWER_MS = 30_000;
/** What is kept of what it says on stderr. */
const STDERR_CHARS = 16 * 1024;

/**
 * A program in a session of its own: Ctrl-C on the terminal does not reach it, so that it ends in our order. It does
 * not outlive this process.
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

  /** @throws LinnixError (exit code 3) if it cannot be started */
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
      // What it has started and not waited for, such as the `sleep` of a loop. Not later: its number may be another's then.
      signalGroup(this.pid, constants.signals.SIGKILL);
      this.#notify();
    });
  }

  /** Whether it has ended, by itself or because it was stopped. */
  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Null while it runs, or where a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** The signal that ended it; null while it runs, or if it ended by itself. */
  get signalCode(): NodeJS.Signals | number | null {
    return this.#child.signalCode;
  }

  /** What it has said on stderr; of much the end. */
  get said(): string {
    return this.#said;
  }

  /** How it ended if linnix did not request its end; null otherwise. */
  problem(name = "it"): string | null {
    return this.ended && this.#stopping === null ? endText(name, this.#child) : null;
  }

  /** What it and its descendants that were waited for used; null while it runs. */
  usage(): CpuUsage | null {
    const cpu = this.ended ? this.#child.resourceUsage()?.cpuTime : undefined;
    return cpu === undefined ? null : { cpuUserUs: Number(cpu.user), cpuSystemUs: Number(cpu.system) };
  }

  /** Writes a line to its standard input; that it has ended is seen by what it does not answer. */
  async send(line: string): Promise<void> {
    const { stdin } = this.#child;
    if (stdin === undefined || typeof stdin === "number") throw new Error("its input is no pipe");
    try {
      stdin.write(`${line}\n`);
      await stdin.flush();
    } catch {
      // EPIPE
    }
  }

  /** The next line of its standard output; null if it ended first, or the time is up. */
  async answer(timeoutMs: number): Promise<string | null> {
    const { promise, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(resolve, timeoutMs, null);
    const next = await Promise.race([this.#lines.next(), promise]);
    clearTimeout(timer);
    return next === null || next.done ? null : next.value;
  }

  /** The lines of its standard output, up to its end. */
  lines(): AsyncGenerator<string> {
    return this.#lines;
  }

  /**
   * Waits until it says something on stderr that was not waited for before.
   *
   * @returns whether it has; false: it ended first, the time is up, or the signal came
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
    // Its last output may still be in the pipe.
    if (this.ended) await this.#heard;
    const at = this.#unheard.indexOf(words);
    if (at < 0) return false;
    this.#unheard = this.#unheard.slice(at + words.length);
    return true;
  }

  /**
   * Kills all processes of its session immediately. The kernel does not reuse the number of the group before wait(2).
   */
  kill(): void {
    if (!this.ended) signalGroup(this.pid, constants.signals.SIGKILL);
  }

  /** Asks it to end, and ends it and all of its session after the grace. Idempotent. */
  stop(graceMs = STOP_GRACE_MS): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Resolves when it has ended and all that it said has come. */
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
      // It has ended.
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

/** Words before a command by which the kernel ends it with us. It is an exec, so the pid stays. */
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
