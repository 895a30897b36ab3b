/** Called when answering begins to take this thread's time, and when it ends. */
export interface AnswerTurns {
  begins?(): void;
  ends?(): void;
}

/**
 * CPU time that went into answering requests. It counts from a request on until collecting has its turn: what the
 * runtime does for an answer after it was given is in it, and what reading that request took is not.
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

  /** There is a request to be answered, or one to go on with. */
  begin(): void {
    if (this.#sinceNs !== null) return;
    this.#sinceNs = this.#cpuNs();
    this.#turns.begins?.();
  }

  /** Something else has its turn. */
  end(): void {
    if (this.#sinceNs === null) return;
    this.#ns = this.ns;
    this.#sinceNs = null;
    this.#turns.ends?.();
  }
}
