/** Called when answering begins to take this thread's time, and when it ends. */
export interface AnswerTurns {
  begins?(): void;
  ends?(): void;
}

/**
 * CPU time of answering requests. It counts from a request until collecting has its turn. This includes the work of the
 * runtime after an answer was given, and excludes reading the request.
 */
export class AnswerTime {
  readonly #cpuNs: () => number;
  readonly #turns: AnswerTurns;
  #ns = 0;
  #sinceNs: number | null = null;

  /** @param cpuNs CPU time of this process, ns */
  constructor(cpuNs: () => number, turns: AnswerTurns = {}) {
    this.#cpuNs = cpuNs;
    this.#turns = turns;
  }

  /** So far, ns. */
  get ns(): number {
    return this.#ns + (this.#sinceNs === null ? 0 : this.#cpuNs() - this.#sinceNs);
  }

  /** Called when the server begins or continues to answer a request. */
  begin(): void {
    if (this.#sinceNs !== null) return;
    this.#sinceNs = this.#cpuNs();
    this.#turns.begins?.();
  }

  /** Other work has its turn. */
  end(): void {
    if (this.#sinceNs === null) return;
    this.#ns = this.ns;
    this.#sinceNs = null;
    this.#turns.ends?.();
  }
}
