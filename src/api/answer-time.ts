/** Called when this thread starts to answer requests, and when it continues with other work. */
export interface AnswerTurns {
  begins?(): void;
  ends?(): void;
}

/**
 * CPU time of answering requests. It counts from `begin`, when a request arrives, to `end`, when collecting continues.
 * This includes the work of the runtime after the handler returns an answer. It excludes parsing the request.
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

  /** CPU time of answering so far, ns. */
  get ns(): number {
    return this.#ns + (this.#sinceNs === null ? 0 : this.#cpuNs() - this.#sinceNs);
  }

  /** Called when the server begins or continues to answer a request. */
  begin(): void {
    if (this.#sinceNs !== null) return;
    this.#sinceNs = this.#cpuNs();
    this.#turns.begins?.();
  }

  /** Called when collecting continues. */
  end(): void {
    if (this.#sinceNs === null) return;
    this.#ns = this.ns;
    this.#sinceNs = null;
    this.#turns.ends?.();
  }
}
