import { cannotRunError } from "../errors.ts";
import { findLeash } from "../observers/tool.ts";

/** How a program is started. */
export interface ChildOptions {
  /** The program's absolute path and its arguments. */
  argv: readonly string[];
  env: Record<string, string | undefined>;
  cwd: string;
  stdin: "ignore" | "pipe";
  /** A file descriptor for its standard output. */
  stdout: number;
  /** `pipe` keeps its words for {@link LeashedChild.hear}. */
  stderr: "pipe" | number;
  /** What asks it to end. */
  stopSignal: "SIGINT" | "SIGTERM";
  /** What the kernel sends it when this process dies without having stopped it. */
  deathSignal: "KILL" | "TERM";
}

/** How long a program has to end by itself after it was asked to, ms. */
const STOP_GRACE_MS = 5_000;
/** How long it may take to say what is waited for, ms: the machine may be loaded. */
const ANSWER_MS = 30_000;
/** What is kept of what it says on stderr. */
const STDERR_CHARS = 16 * 1024;

/**
 * A program in a session of its own: Ctrl-C on the terminal does not reach it, so that it ends in our order; should
 * this process be killed, the kernel ends it.
 */
export class LeashedChild implements AsyncDisposable {
  readonly pid: number;
  readonly #child: Bun.Subprocess;
  readonly #name: string;
  readonly #stopSignal: ChildOptions["stopSignal"];
  readonly #listeners = new Set<() => void>();
  #said = "";
  #unheard = "";
  #heard: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | null = null;

  constructor(options: ChildOptions) {
    this.#name = options.argv[0] ?? "";
    this.#stopSignal = options.stopSignal;
    try {
      this.#child = Bun.spawn([...leash(options.deathSignal), ...options.argv], {
        env: options.env,
        cwd: options.cwd,
        stdin: options.stdin,
        stdout: options.stdout,
        stderr: options.stderr,
        detached: true,
      });
    } catch (cause) {
      const why = (cause as Error).message;
      throw cannotRunError("subject-not-started", { what: `cannot start ${this.#name}`, why }, { cause });
    }
    this.pid = this.#child.pid;
    if (this.#child.stderr instanceof ReadableStream) this.#heard = this.#hear(this.#child.stderr);
    void this.#child.exited.then(() => this.#tell());
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

  /** How it ended before it was asked to; null while all is well. */
  problem(): string | null {
    if (!this.ended || this.#stopping !== null) return null;
    const { signalCode, exitCode } = this.#child;
    return signalCode === null ? `it ended with status ${exitCode}` : `it was ended by ${signalCode}`;
  }

  /** Writes a line to its standard input. */
  async send(line: string): Promise<void> {
    const { stdin } = this.#child;
    if (stdin === undefined || typeof stdin === "number") throw new Error("its input is no pipe");
    stdin.write(`${line}\n`);
    await stdin.flush();
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
    // Its last words may still be in the pipe.
    if (this.ended) await this.#heard;
    const at = this.#unheard.indexOf(words);
    if (at < 0) return false;
    this.#unheard = this.#unheard.slice(at + words.length);
    return true;
  }

  /** Ends it and all of its session. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    if (!this.ended) {
      signalGroup(this.pid, this.#stopSignal);
      const timer = setTimeout(() => signalGroup(this.pid, "SIGKILL"), STOP_GRACE_MS);
      await this.#child.exited;
      clearTimeout(timer);
    }
    // What it has started and not waited for, such as the `sleep` of a loop.
    signalGroup(this.pid, "SIGKILL");
    await this.#heard;
  }

  async #hear(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const piece of stream) {
        const text = decoder.decode(piece, { stream: true });
        this.#said = (this.#said + text).slice(-STDERR_CHARS);
        this.#unheard = (this.#unheard + text).slice(-STDERR_CHARS);
        this.#tell();
      }
    } catch {
      // It has ended.
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Words before a command by which the kernel ends it with us. It is an exec, so the pid stays. */
function leash(deathSignal: ChildOptions["deathSignal"]): string[] {
  const setpriv = findLeash();
  return setpriv === null ? [] : [setpriv, "--pdeathsig", deathSignal, "--"];
}

/** Sends a signal to every process of the session that `leader` began; that none is left is no error. */
function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // ESRCH: all of them have ended.
  }
}
