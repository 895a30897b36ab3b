import type { Answer } from "./route.ts";

/** How long such an answer is kept, ms. */
const HOLDS_MS = 1_000;

/**
 * Answers that are given even when answering has used its budget. They are made once a second at most, for all clients
 * together. So one client cannot hide the state of this process from another.
 */
export class ScarceAnswers {
  readonly #kept = new Map<string, { madeMs: number; answer: Answer }>();
  readonly #nowMs: () => number;

  /** @param nowMs a clock that does not go back, ms */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** The answer that holds, or a new one. */
  give(key: string, make: () => Answer): Answer {
    const kept = this.#kept.get(key);
    if (kept !== undefined && this.#nowMs() - kept.madeMs < HOLDS_MS) return kept.answer;
    const answer = make();
    this.#kept.set(key, { madeMs: this.#nowMs(), answer });
    return answer;
  }

  /** Releases the answers that are no longer fresh. */
  sweep(): void {
    for (const [key, { madeMs }] of this.#kept) if (this.#nowMs() - madeMs >= HOLDS_MS) this.#kept.delete(key);
  }
}
