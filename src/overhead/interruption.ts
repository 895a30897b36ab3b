import { EXIT, type ExitCode } from "../errors.ts";

const EXIT_CODE = { SIGINT: EXIT.sigint, SIGTERM: EXIT.sigterm, SIGHUP: EXIT.sigterm } as const;
type Ending = keyof typeof EXIT_CODE;

/**
 * Turns the first SIGINT, SIGTERM or SIGHUP into an abort, so that this process ends in order and reports its results
 * so far. A second signal ends it immediately. The processes that it started then end without it, for example by
 * their supervisor.
 */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #handlers: [Ending, () => void][];
  #received: Ending | null = null;

  constructor() {
    this.#handlers = (Object.keys(EXIT_CODE) as Ending[]).map((name) => [name, () => this.#receive(name)]);
    for (const [name, handler] of this.#handlers) process.on(name, handler);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit code of the program; null if no signal arrived. */
  get exitCode(): ExitCode | null {
    return this.#received === null ? null : EXIT_CODE[this.#received];
  }

  [Symbol.dispose](): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler);
  }

  #receive(name: Ending): void {
    if (this.#received !== null) {
      // Without a handler the signal ends this process.
      this[Symbol.dispose]();
      process.kill(process.pid, name);
      return;
    }
    this.#received = name;
    this.#controller.abort(name);
  }
}
