import { Progress, type ProgressPhase } from "../../report/terminal/progress.ts";

export interface CompareProgressOptions {
  /** Whether stderr is a terminal, so that lines can be overwritten. */
  isTty: boolean;
  color: boolean;
  columns: number;
  /** Whether the log level allows progress. */
  isTold: boolean;
  /** Where warnings go while there is no bar. */
  warn(text: string): void;
}

/** Progress on stderr: a bar with the name of the current step, or a line for each step if stderr is no terminal. */
export class CompareProgress implements Disposable {
  readonly #options: CompareProgressOptions;
  #progress: Progress | null = null;

  constructor(options: CompareProgressOptions) {
    this.#options = options;
  }

  /** Sets the steps and their durations. */
  plan(phases: readonly ProgressPhase[]): void {
    const { isTty, color, columns, isTold } = this.#options;
    this.#progress = new Progress({ phases, isTty, color, columns, ...(!isTold && { write: () => {} }) });
  }

  /** Begins a step of the plan. */
  step(name: string): void {
    this.#progress?.phase(name);
  }

  /** Prints a warning. The bar does not overwrite it. */
  warn(text: string): void {
    if (this.#progress !== null && this.#options.isTold) this.#progress.lines([`linnix: warning: ${text}`]);
    else this.#options.warn(text);
  }

  close(): void {
    this.#progress?.close();
    this.#progress = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
