import { Progress, type ProgressPhase } from "../../report/terminal/progress.ts";

export interface CompareProgressOptions {
  /** Whether stderr is a terminal that lines can be drawn on again. */
  isTty: boolean;
  color: boolean;
  columns: number;
  /** Whether the log level lets progress through. */
  isTold: boolean;
  /** Where warnings go while there is no bar. */
  warn(text: string): void;
}

/** Progress on stderr: a bar that names the method that is on, or where that cannot be drawn a line for each. */
export class CompareProgress implements Disposable {
  readonly #options: CompareProgressOptions;
  #progress: Progress | null = null;

  constructor(options: CompareProgressOptions) {
    this.#options = options;
  }

  /** What is to come. */
  plan(phases: readonly ProgressPhase[]): void {
    const { isTty, color, columns, isTold } = this.#options;
    this.#progress = new Progress({ phases, isTty, color, columns, ...(!isTold && { write: () => {} }) });
  }

  /** Goes on to a step of the plan. */
  step(name: string): void {
    this.#progress?.phase(name);
  }

  /** Says something that stays. */
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
