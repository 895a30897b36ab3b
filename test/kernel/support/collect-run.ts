import { expect } from "bun:test";
import {
  balanceProblems,
  type CollectOutput,
  OutputReader,
  orderProblems,
  type ProcessEvent,
  type RunSummary,
  shapeProblems,
} from "./collect-output.ts";
import { BINARY } from "./needs.ts";

/** Usual arguments: short flushes, and rings with room for other events of this machine. */
export const USUAL = ["--format", "jsonl", "--flush-interval", "10ms", "--ring-size", "4MiB"] as const;

/** Longest wait before the test fails with the name of the awaited thing, ms. */
const PATIENCE_MS = 30_000;
const POLL_MS = 5;

export interface StartOptions {
  /** Command prefix for another user or environment. It must execute linnix in the same process. */
  before?: readonly string[];
  /** Path of the program, if another copy is used. */
  binary?: string;
  env?: Record<string, string>;
  cwd?: string;
  /** Event types that this run writes, if `--events` is given. */
  wanted?: readonly string[];
}

export interface Ended extends CollectOutput {
  exitCode: number | null;
  signal: NodeJS.Signals | number | null;
  stderr: string;
}

export interface EndedWell extends Ended {
  summary: RunSummary;
}

type Maybe<T> = T | undefined | null | false;

/** Waits until `look` returns something. */
export async function until<T>(
  what: string,
  look: () => Maybe<T> | Promise<Maybe<T>>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const giveUp = Date.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > giveUp) throw new Error(`gave up waiting for ${what}`);
    await Bun.sleep(POLL_MS);
  }
}

/** The message on stderr from which on everything is watched. */
const READY = /^linnix: watching by the (\w+) backend/m;

/** A running `linnix collect`. */
export class CollectRun implements AsyncDisposable {
  readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #reader = new OutputReader();
  readonly #wanted: readonly string[] | undefined;
  readonly #stdout: Promise<void>;
  readonly #stderrRead: Promise<void>;
  #stderr = "";
  #failure: unknown;

  private constructor(args: readonly string[], { before = [], binary = BINARY, env, cwd, wanted }: StartOptions) {
    this.#wanted = wanted;
    this.child = Bun.spawn([...before, binary, "collect", ...args], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      ...(cwd === undefined ? {} : { cwd }),
      env: env ?? { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    });
    this.#stdout = this.#readStdout();
    this.#stderrRead = this.#readStderr();
  }

  /** Starts a run and waits until it reports that it watches. */
  static async start(args: readonly string[] = USUAL, options: StartOptions = {}): Promise<CollectRun> {
    const run = new CollectRun(args, options);
    try {
      await run.#ready();
    } catch (error) {
      run.child.kill("SIGKILL");
      throw error;
    }
    return run;
  }

  /** Runs `linnix collect` that ends by itself: by `--duration`, or because it cannot run here. */
  static async toEnd(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
    await using run = new CollectRun(args, options);
    return await run.ended();
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Text on stderr so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Events written so far. */
  get events(): readonly ProcessEvent[] {
    if (this.#failure) throw this.#failure;
    return this.#reader.output.events;
  }

  /** Lines of other types written so far. */
  get others(): readonly { type: string }[] {
    return this.#reader.output.others;
  }

  /** Waits for an event. */
  event(what: string, matches: (event: ProcessEvent) => boolean): Promise<ProcessEvent> {
    let seen = 0;
    return until(what, () => {
      const { events } = this;
      for (; seen < events.length; seen++) if (matches(events[seen] as ProcessEvent)) return events[seen];
      return undefined;
    });
  }

  /** Waits until it has ended. */
  async ended(): Promise<Ended> {
    await Promise.all([this.child.exited, this.#stdout, this.#stderrRead]);
    if (this.#failure) throw this.#failure;
    const { exitCode, signalCode } = this.child;
    return { ...this.#reader.end(), exitCode, signal: signalCode, stderr: this.#stderr };
  }

  /** Ends the run, and checks its whole output: exit code, shape, order and balance. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<EndedWell> {
    this.child.kill(signal);
    const ended = await this.ended();
    return endedWell(ended, this.#wanted);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGKILL");
    await this.child.exited;
  }

  async #ready(): Promise<void> {
    const { child } = this;
    const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
    await until("linnix to watch", () => hasEnded() || READY.test(this.#stderr));
    if (!hasEnded()) return;
    await this.#stderrRead;
    throw new Error(`linnix ended with ${child.exitCode ?? child.signalCode}: ${this.#stderr}`);
  }

  async #readStdout(): Promise<void> {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    try {
      for await (const bytes of this.child.stdout) this.#reader.push(decoder.decode(bytes, { stream: true }));
      decoder.decode();
    } catch (error) {
      this.#failure ??= error;
    }
  }

  async #readStderr(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.child.stderr) this.#stderr += decoder.decode(bytes, { stream: true });
  }
}

/** Checks that a run ended normally, and its whole output. */
export function endedWell(ended: Ended, wanted?: readonly string[]): EndedWell {
  expect({ exitCode: ended.exitCode, signal: ended.signal, stderr: ended.stderr }).toMatchObject({
    exitCode: 0,
    signal: null,
  });
  const { summary } = ended;
  if (summary === null) throw new Error(`no summary; stderr: ${ended.stderr}`);
  expect(shapeProblems(ended, summary.missing_fields)).toEqual([]);
  expect(orderProblems(ended)).toEqual([]);
  expect(balanceProblems(ended, wanted)).toEqual([]);
  return { ...ended, summary };
}
