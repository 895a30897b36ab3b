import type { Answer } from "./route.ts";

/** How long an answer is reused, ms. */
const HOLDS_MS = 1_000;

/**
 * Answers that are sent even if the budget for answers is used up. Each is made at most once a second and shared by all
 * clients. So one client cannot keep others from reading the state of this process.
 */
export class ScarceAnswers {
  readonly #kept = new Map<string, { madeMs: number; answer: Answer }>();
  readonly #nowMs: () => number;

  /** @param nowMs a monotonic clock, ms */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** The stored answer if it is still fresh, else a new one. */
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
