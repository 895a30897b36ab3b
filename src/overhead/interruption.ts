import { EXIT, type ExitCode } from "../errors.ts";

const EXIT_CODE = { SIGINT: EXIT.sigint, SIGTERM: EXIT.sigterm, SIGHUP: EXIT.sigterm } as const;
type Ending = keyof typeof EXIT_CODE;

/**
 * Turns the first SIGINT or SIGTERM into an abort, so that this process ends in order and reports its results so far. A
 * second signal ends it immediately; supervisors then end the processes that it has started.
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

  /** What the program ends with; null if no signal came. */
  get exitCode(): ExitCode | null {
    return this.#received === null ? null : EXIT_CODE[this.#received];
  }

  [Symbol.dispose](): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler);
  }

  #receive(name: Ending): void {
    if (this.#received !== null) {
      // Without a handler the signal has its default effect.
      this[Symbol.dispose]();
      process.kill(process.pid, name);
      return;
    }
    this.#received = name;
    this.#controller.abort(name);
  }
}
